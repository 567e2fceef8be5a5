package hunt_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/hunt"
	"github.com/allclear-bot/allclear/state"
)

func at(day, hour int) time.Time { return time.Date(2025, 7, day, hour, 0, 0, 0, time.UTC) }

func traffic(server, value, path, source string, first, last time.Time) hunt.Traffic {
	return hunt.Traffic{
		Server: server, Rule: "r", Value: value, Method: "POST", Path: path, Agent: "a", Count: 1, First: first, Last: last,
		Status: map[int]int64{200: 1}, Sources: []string{source},
	}
}

func TestTrafficThatIsAlikeOrOfOneAddressIsOneCampaign(t *testing.T) {
	t.Parallel()
	cs := hunt.Clusters([]hunt.Traffic{
		traffic("a", state.AttackAnswered, "/x", "198.51.100.1", at(18, 1), at(18, 2)),
		traffic("b", state.AttackAttempt, "/x", "198.51.100.2", at(18, 20), at(18, 20)),   // alike
		traffic("c", state.AttackShell, "/shell", "198.51.100.2", at(19, 10), at(19, 10)), // of the same address
		traffic("d", state.AttackAttempt, "/x", "198.51.100.3", at(21, 0), at(21, 0)),     // alike, but days later
		traffic("e", state.AttackAttempt, "/other", "10.0.0.1", at(18, 1), at(18, 1)),     // a balancer
		traffic("f", state.AttackAttempt, "/third", "10.0.0.1", at(18, 1), at(18, 1)),
		traffic("g", state.AttackContact, "", "198.51.100.1", at(18, 1), at(18, 1)),
	})
	var servers [][]string
	for _, c := range cs {
		var names []string
		for _, s := range c.Touched {
			names = append(names, s.Server)
		}
		servers = append(servers, names)
	}
	require.Equal(t, [][]string{{"c", "a", "b"}, {"e"}, {"f"}, {"d"}}, servers)
	require.Equal(t, []string{"198.51.100.2", "198.51.100.1"}, cs[0].Sources)
	require.Equal(t, int64(3), cs[0].Requests)
	require.Equal(t, at(18, 1), cs[0].Touched[1].Answered)
	require.True(t, cs[0].Touched[2].Answered.IsZero())
	require.Equal(t, []string{"POST /x", "POST /shell"}, cs[0].What)
}

func TestClustersDoNotDependOnTheOrderInWhichLogsCame(t *testing.T) {
	t.Parallel()
	a := []hunt.Traffic{
		traffic("a", state.AttackAnswered, "/x", "198.51.100.1", at(18, 1), at(20, 2)),
		traffic("b", state.AttackAttempt, "/x", "198.51.100.2", at(18, 20), at(18, 20)),
		traffic("c", state.AttackAttempt, "/x", "198.51.100.9", at(20, 20), at(20, 20)),
	}
	require.Len(t, hunt.Clusters(a), 1)
	require.Equal(t, hunt.Clusters(a), hunt.Clusters([]hunt.Traffic{a[2], a[1], a[0]}))
	require.Empty(t, hunt.Clusters(nil))
}
