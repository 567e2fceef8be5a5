package state

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatWasToldIsRememberedForSoManyPlacesAndChangesNothingThatWasLoaded(t *testing.T) {
	t.Parallel()
	inc := Incident{ID: "one"}
	for i := range MaxPlaces + 2 {
		before := len(inc.Told)
		tx := NewTx(Work{Request: fmt.Sprint("r", i), At: time.Unix(int64(i), 0).UTC()}, inc, nil)
		require.NoError(t, tx.Tell(fmt.Sprint("place ", i), "facts"))
		require.Len(t, inc.Told, before, "the change may be run again")
		require.Negative(t, tx.Commit().BoardRev)
		require.True(t, tx.Commit().IncidentChanged)
		inc = tx.Incident
	}
	require.Len(t, inc.Told, MaxPlaces)
	require.NotContains(t, inc.Told, "place 1")
	require.Equal(t, Told{At: time.Unix(51, 0).UTC(), Facts: "facts", Request: "r51"}, inc.Told["place 51"])

	inc.Closed = time.Unix(99, 0)
	require.Error(t, NewTx(Work{}, inc, nil).Tell("place 51", "other"))
}
