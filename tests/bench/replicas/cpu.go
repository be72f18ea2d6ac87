package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/internal/pgembed"
)

// processorTime is what the processes of a server have used so far, those that have
// ended with it: the postmaster waits for each. 0 where there is no /proc.
func processorTime(s *pgembed.Server) time.Duration {
	text, err := os.ReadFile(filepath.Join(s.Dir(), "data", "postmaster.pid"))
	if err != nil {
		return 0
	}
	postmaster, _, _ := strings.Cut(string(text), "\n")
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0
	}
	var ticks int64
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, ok := strings.Cut(string(text), ") ") // the name may have anything in it
		fields := strings.Fields(rest)
		if !ok || len(fields) < 15 {
			continue
		}
		pid := filepath.Base(filepath.Dir(path))
		// state ppid … utime stime cutime cstime (man 5 proc)
		switch {
		case pid == postmaster:
			ticks += sum(fields[11:15])
		case fields[1] == postmaster:
			ticks += sum(fields[11:13])
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100 on Linux
}

func sum(list []string) (n int64) {
	for _, text := range list {
		v, _ := strconv.ParseInt(text, 10, 64)
		n += v
	}
	return n
}
