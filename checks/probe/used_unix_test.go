//go:build unix

package probe_test

import (
	"syscall"
	"time"
)

// used is the processor time of this process, and its peak memory in MB.
func used() (cpu time.Duration, peak float64) {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), float64(u.Maxrss) / 1024
}
