package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/web"
	"github.com/allclear-bot/allclear/state"
)

const goodSecret = "allclear_MARKEDSECRET"

// keeper knows one token, of farm fin of ts-1.
type keeper struct {
	mu    sync.Mutex
	taken []string
	hold  chan struct{} // when not nil, Take waits for it
	down  error
}

type answer struct{ again bool }

func (a answer) Repeated() bool { return a.again }

func (k *keeper) Admit(_ context.Context, incident, farm, secret string) (state.Token, error) {
	switch {
	case k.down != nil:
		return state.Token{}, k.down
	case incident != "ts-1" || farm != "fin of us" || secret != goodSecret:
		return state.Token{}, state.ErrNotFound
	}
	return state.Token{ID: "k1"}, nil
}

func (k *keeper) Take(_ context.Context, _, _ string, _ state.Token, data []byte) (any, error) {
	if k.hold != nil {
		<-k.hold
	}
	switch text := string(data); {
	case text == "wrong":
		return nil, &chat.Problem{What: "Nothing was recorded: it is wrong.\nline 1, column 2: no", Rows: []chat.RowProblem{{Line: 1, Column: 2, What: "no"}}}
	case text == "closed":
		return nil, &state.Refusal{Why: "It was closed."}
	case text == "revoked":
		return nil, state.ErrNotFound
	case text == "panic":
		panic("a document that nobody thought of")
	case text == "away":
		return nil, errors.New("dial secret-host: refused")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.taken = append(k.taken, string(data))
	return answer{len(k.taken) > 1}, nil
}

type endpoint struct {
	http.Handler
	*keeper
	count map[string]int
	log   bytes.Buffer
	now   time.Time
	mu    sync.Mutex
}

func newEndpoint() *endpoint {
	e := &endpoint{keeper: &keeper{}, count: map[string]int{}, now: time.Unix(1e9, 0)}
	mux := http.NewServeMux()
	mux.Handle(web.EvidencePattern, web.NewEvidence(web.EvidenceOptions{
		Taker: e.keeper, Most: 100, Now: func() time.Time { return e.now }, Logger: slog.New(slog.NewTextHandler(&e.log, nil)),
		Count: func(o string) { e.mu.Lock(); defer e.mu.Unlock(); e.count[o]++ },
	}))
	e.Handler = mux
	return e
}

func (e *endpoint) post(path, auth, body string) (int, string) {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if auth != "" {
		r.Header.Set("Authorization", auth)
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

const here = "/evidence/ts-1/fin%20of%20us"

func TestEvidenceIsTakenOnlyWithTheTokenOfItsFarm(t *testing.T) {
	t.Parallel()
	e := newEndpoint()
	for _, c := range [][2]string{
		{here, ""},
		{here, "Bearer"},
		{here, "Bearer " + goodSecret + "x"},
		{here, "Basic " + goodSecret},
		{here, "Bearer " + strings.Repeat("x", 5000)},
		{"/evidence/ts-2/fin%20of%20us", "Bearer " + goodSecret},
		{"/evidence/ts-1/hr", "Bearer " + goodSecret},
	} {
		code, body := e.post(c[0], c[1], "document")
		require.Equal(t, http.StatusUnauthorized, code, c)
		require.Contains(t, body, "There is no such token for this incident and farm")
	}
	require.Empty(t, e.taken)
	code, body := e.post(here, "bearer "+goodSecret, "document")
	require.Equal(t, http.StatusOK, code, body)
	require.Contains(t, body, `"result": "recorded"`)
	_, body = e.post(here, "Bearer "+goodSecret, "document")
	require.Contains(t, body, `"result": "repeated"`)
	require.Equal(t, map[string]int{"denied": 7, "recorded": 1, "repeated": 1}, e.count)

	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, here, nil))
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
}

func TestWhatIsWrongWithADocumentIsToldByItsRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body string
		code int
		want string
	}{
		{"wrong", http.StatusUnprocessableEntity, `"line": 1,`},
		{"closed", http.StatusConflict, "It was closed."},
		{"revoked", http.StatusUnauthorized, "revoked meanwhile"},
		{"away", http.StatusServiceUnavailable, "Not done"},
		{strings.Repeat("x", 101), http.StatusRequestEntityTooLarge, "may have 100 bytes"},
	} {
		e := newEndpoint()
		code, body := e.post(here, "Bearer "+goodSecret, c.body)
		require.Equal(t, c.code, code, c.body)
		require.Contains(t, body, c.want)
		require.Empty(t, e.taken)
		require.NotContains(t, body, "secret-host", "why the store is away is not for strangers")
	}
	e := newEndpoint()
	r := httptest.NewRequest(http.MethodPost, here, io.MultiReader(strings.NewReader("half"), &broken{}))
	r.Header.Set("Authorization", "Bearer "+goodSecret)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Empty(t, e.taken, "half a document is none")
	r = httptest.NewRequest(http.MethodPost, here, strings.NewReader("x"))
	r.Header.Set("Authorization", "Bearer "+goodSecret)
	r.Header.Set("Content-Encoding", "gzip")
	w = httptest.NewRecorder()
	e.ServeHTTP(w, r)
	require.Equal(t, http.StatusUnsupportedMediaType, w.Code)
}

type broken struct{}

func (*broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestATokenHasItsTurnsAndTheyComeBack(t *testing.T) {
	t.Parallel()
	e := newEndpoint()
	n := 0
	for ; n < 100; n++ {
		if code, body := e.post(here, "Bearer "+goodSecret, "document"); code != http.StatusOK {
			require.Equal(t, http.StatusTooManyRequests, code)
			require.Contains(t, body, "used too often")
			break
		}
	}
	require.Equal(t, 10, n)
	e.now = e.now.Add(6 * time.Second)
	code, _ := e.post(here, "Bearer "+goodSecret, "document")
	require.Equal(t, http.StatusOK, code)
	code, _ = e.post(here, "Bearer "+goodSecret, "document")
	require.Equal(t, http.StatusTooManyRequests, code)
	code, _ = e.post(here, "Bearer wrong", "document")
	require.Equal(t, http.StatusUnauthorized, code, "who has no token uses up nobody's turns")
}

func TestTooManyAtOnceAreToldToComeAgain(t *testing.T) {
	t.Parallel()
	e := newEndpoint()
	e.hold = make(chan struct{})
	codes := make(chan int, 9)
	for range 9 {
		go func() {
			code, _ := e.post(here, "Bearer "+goodSecret, "document")
			codes <- code
		}()
	}
	require.Equal(t, http.StatusServiceUnavailable, <-codes, "the ninth, while eight are held")
	close(e.hold)
	for range 8 {
		require.Equal(t, http.StatusOK, <-codes)
	}
}

func TestAPanicTakesNobodysRoom(t *testing.T) {
	t.Parallel()
	e := newEndpoint()
	for range 9 {
		require.Panics(t, func() { e.post(here, "Bearer "+goodSecret, "panic") })
		e.now = e.now.Add(time.Minute)
	}
	code, body := e.post(here, "Bearer "+goodSecret, "document")
	require.Equal(t, http.StatusOK, code, body)
}

func TestNoSecretAndNothingOfADocumentIsLoggedOrAnswered(t *testing.T) {
	t.Parallel()
	e := newEndpoint()
	var told strings.Builder
	for _, auth := range []string{"Bearer " + goodSecret, "Bearer " + goodSecret + "WRONG"} {
		for _, body := range []string{"wrong", "closed", "away", "MARKEDDOCUMENT", strings.Repeat("MARKEDDOCUMENT", 50)} {
			_, b := e.post(here, auth, body)
			told.WriteString(b)
		}
	}
	e.down = errors.New("the store is away")
	_, b := e.post(here, "Bearer "+goodSecret, "x")
	told.WriteString(b)
	told.WriteString(e.log.String())
	require.NotContains(t, told.String(), "MARKED")
	require.Contains(t, e.log.String(), "token=k1")
}
