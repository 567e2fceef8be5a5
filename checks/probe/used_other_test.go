//go:build !unix

package probe_test

import "time"

// used is not known here.
func used() (cpu time.Duration, peak float64) { return 0, 0 }
