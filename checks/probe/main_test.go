package probe_test

import (
	"os"
	"testing"
)

// TestMain lets the benchmarks run this binary as the processes that they compare.
func TestMain(m *testing.M) {
	if role := os.Getenv(envRole); role != "" {
		os.Exit(play(role))
	}
	os.Exit(m.Run())
}
