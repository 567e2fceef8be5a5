package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNobodyInAChatNamesFilesOfTheMachine(t *testing.T) {
	t.Parallel()
	o := appOptions{Chats: map[string]platform{"slack": nil}}
	for _, name := range []string{"/etc/passwd", "../secret.yaml", `..\secret.yaml`} {
		_, err := o.load(name)
		require.ErrorContains(t, err, "not given by a path")
	}
	pb, err := o.load("toolshell")
	require.NoError(t, err)
	require.NotEmpty(t, pb.Title)
	_, err = appOptions{}.load("/no/such/file.yaml")
	require.NotContains(t, err.Error(), "not given by a path", "at a terminal of the machine its files are one's own")
}
