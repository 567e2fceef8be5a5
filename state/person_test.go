package state

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTwoIdentitiesAreTwoPersonsOnlyWhenThatIsKnown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		a    PersonID
		viaA string
		b    PersonID
		viaB string
		two  bool
	}{
		{"two of the configuration", "lead-1", "slack:T1:U1", "lead-2", "discord:G1:9", true},
		{"two of the configuration, from nowhere", "lead-1", "", "lead-2", "", true},
		{"the same person twice", "lead-1", "slack:T1:U1", "lead-1", "discord:G1:9", false},
		{"nobody", "", "slack:T1:U1", "lead-2", "slack:T1:U2", false},
		{"two accounts of one workspace", "slack:T1:U1", "slack:T1:U1", "slack:T1:U2", "slack:T1:U2", true},
		{"accounts of two workspaces", "slack:T1:U1", "slack:T1:U1", "slack:T2:U2", "slack:T2:U2", false},
		{"accounts of two platforms", "slack:T1:U1", "slack:T1:U1", "discord:T1:U2", "discord:T1:U2", false},
		{"a configured person of the same workspace", "lead-1", "slack:T1:U1", "slack:T1:U2", "slack:T1:U2", true},
		{"a configured person from elsewhere", "lead-1", "discord:G1:9", "slack:T1:U2", "slack:T1:U2", false},
		{"a configured person from nobody knows where", "lead-1", "", "slack:T1:U2", "slack:T1:U2", false},
		{"a console has no workspace", "console:a", "console:a", "console:b", "console:b", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.two, Distinct(c.a, c.viaA, c.b, c.viaB))
			require.Equal(t, c.two, Distinct(c.b, c.viaB, c.a, c.viaA))
		})
	}
}

func TestAPersonOfTheConfigurationCannotLookLikeAnIdentity(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, People{{ID: "slack:T1:U1"}}.Validate(), "colon")
}
