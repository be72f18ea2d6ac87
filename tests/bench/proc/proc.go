// Package proc tells what processes have used, out of /proc: processor time and memory of
// a process and all below it. Where there is no /proc all figures are 0.
package proc

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Tree is pid and all processes below it.
func Tree(pid int) []int {
	tree := []int{pid}
	below := map[int][]int{}
	for _, s := range all() {
		below[s.parent] = append(below[s.parent], s.pid)
	}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, below[tree[i]]...)
	}
	return tree
}

// CPU is the processor time of pid and all below it so far, with that of processes which
// have ended there and were waited for.
func CPU(pid int) time.Duration {
	list := map[int]stat{}
	below := map[int][]int{}
	for _, s := range all() {
		list[s.pid] = s
		below[s.parent] = append(below[s.parent], s.pid)
	}
	var ticks int64
	for todo := []int{pid}; len(todo) > 0; todo = todo[1:] {
		ticks += list[todo[0]].ticks
		todo = append(todo, below[todo[0]]...)
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100 on Linux
}

// Peak is the largest resident memory of pid and all below it since ForgetPeak, in MB,
// as if each had been largest at one time.
func Peak(pid int) float64 { return memory(pid, "VmHWM:") }

// Resident is the memory that pid and all below it hold now, in MB.
func Resident(pid int) float64 { return memory(pid, "VmRSS:") }

// ForgetPeak begins the peak anew (proc(5), clear_refs).
func ForgetPeak(pid int) {
	for _, p := range Tree(pid) {
		_ = os.WriteFile(path(p, "clear_refs"), []byte("5"), 0o600) // else the peak is of the whole life
	}
}

// Postmaster is the process of the PostgreSQL whose data are in dir; 0: it can't be read.
func Postmaster(dir string) int {
	text, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}

// Model is what /proc/cpuinfo calls the processor; "" where there is none.
func Model() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), "model name")
	line, _, _ := strings.Cut(rest, "\n")
	_, name, _ := strings.Cut(line, ":")
	return strings.TrimSpace(name)
}

// Kernel is the release of the kernel; "" where there is no /proc.
func Kernel() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(text))
}

// stat is what is needed of /proc/PID/stat.
type stat struct {
	pid, parent int
	ticks       int64 // user and system, with those of children that were waited for
}

func all() []stat {
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	list := make([]stat, 0, len(names))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if s, ok := parse(pid, string(text)); ok {
			list = append(list, s)
		}
	}
	return list
}

// parse reads a line of /proc/PID/stat (proc(5)).
func parse(pid int, text string) (stat, bool) {
	// The name, in brackets, may have anything in it.
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 15 {
		return stat{}, false
	}
	s := stat{pid: pid}
	s.parent, _ = strconv.Atoi(fields[1])
	for _, f := range fields[11:15] { // utime stime cutime cstime
		n, _ := strconv.ParseInt(f, 10, 64)
		s.ticks += n
	}
	return s, true
}

// memory adds up a line of /proc/PID/status, in MB.
func memory(pid int, name string) (mb float64) {
	for _, p := range Tree(pid) {
		text, err := os.ReadFile(path(p, "status"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if v, ok := strings.CutPrefix(line, name); ok {
				kb, _ := strconv.ParseFloat(strings.Fields(v)[0], 64)
				mb += kb / 1024
			}
		}
	}
	return mb
}

func path(pid int, name string) string { return filepath.Join("/proc", strconv.Itoa(pid), name) }
