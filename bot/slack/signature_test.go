package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// signed are the headers that Slack sends with a body.
func signed(secret, body string, at time.Time) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":" + body))
	h := http.Header{}
	h.Set(timestampHeader, stamp)
	h.Set(signatureHeader, "v0="+hex.EncodeToString(mac.Sum(nil)))
	return h
}

func TestASignatureIsTheOneOfSlacksDocumentation(t *testing.T) {
	t.Parallel()
	// The example of docs.slack.dev/authentication/verifying-requests-from-slack.
	const body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	h := http.Header{}
	h.Set(timestampHeader, "1531420618")
	h.Set(signatureHeader, "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")
	_, at, err := verify("8f742231b10e8888abcd99yyyzzz85a5", h, []byte(body), time.Unix(1531420618, 0))
	require.NoError(t, err)
	require.Equal(t, int64(1531420618), at.Unix())
}

func TestARequestThatIsNotSlacksIsRefused(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	good := signed("secret", "body", now)
	check := func(secret string, h http.Header, body string, at time.Time) error {
		_, _, err := verify(secret, h, []byte(body), at)
		return err
	}
	with := func(name, value string) http.Header {
		h := good.Clone()
		h.Set(name, value)
		return h
	}
	require.NoError(t, check("secret", good, "body", now))
	require.NoError(t, check("secret", good, "body", now.Add(5*time.Minute)))
	require.NoError(t, check("secret", good, "body", now.Add(-5*time.Minute)))
	require.ErrorIs(t, check("secret", good, "body", now.Add(5*time.Minute+time.Second)), errClock)
	require.ErrorIs(t, check("secret", good, "body", now.Add(-5*time.Minute-time.Second)), errClock)
	require.ErrorIs(t, check("secret", good, "other", now), errSignature)
	require.ErrorIs(t, check("other", good, "body", now), errSignature)
	require.ErrorIs(t, check("secret", http.Header{}, "body", now), errSignature)
	require.ErrorIs(t, check("secret", with(timestampHeader, strconv.FormatInt(now.Unix()+1, 10)), "body", now), errSignature)
	require.ErrorIs(t, check("secret", with(signatureHeader, good.Get(signatureHeader)[3:]), "body", now), errSignature)
	require.ErrorIs(t, check("secret", with(signatureHeader, ""), "body", now), errSignature)
	require.ErrorIs(t, check("", signed("", "body", now), "body", now), errSignature, "an empty secret proves nothing")
	h := signed("secret", "body", now)
	h.Set(timestampHeader, "soon")
	require.Error(t, check("secret", h, "body", now))
}

func TestASignedRequestIsLetInOnceAsLongAsItsSignatureCounts(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	r := newReplays()
	ahead := now.Add(signatureWindow) // its clock is as much ahead as it may be
	require.NoError(t, r.admit(signature{1}, ahead, now))
	require.ErrorIs(t, r.admit(signature{1}, ahead, now), errReplayed)
	require.ErrorIs(t, r.admit(signature{1}, ahead, now.Add(10*time.Minute)), errReplayed, "it would still be valid")
	require.NoError(t, r.admit(signature{2}, now, now))
	r.release(signature{2})
	require.NoError(t, r.admit(signature{2}, now, now), "it was not taken")
}
