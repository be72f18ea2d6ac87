//go:build unix

package shadow

import (
	"syscall"
	"time"
)

// processTime is the processor time that this process has used; 0: not known.
func processTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
