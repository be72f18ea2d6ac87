package proc

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	line := "77 (a ) b (c) S 42 77 77 0 -1 4194560 1 2 3 4 11 22 33 44 20 0 1 0 5 6 7"
	if got, ok := parse(77, line); !ok || got != (stat{pid: 77, parent: 42, ticks: 11 + 22 + 33 + 44}) {
		t.Errorf("got %+v, %v", got, ok)
	}
	if got, ok := parse(77, "77 (a) S 42"); ok {
		t.Errorf("a line that is cut gave %+v", got)
	}
}

// TestTree: what a child does is its parent's, while it runs and after.
func TestTree(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "(i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; sleep 30) & wait")
	before := CPU(os.Getpid())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		for _, pid := range slices.Backward(Tree(cmd.Process.Pid)) {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
		}
		_ = cmd.Wait()
	}()
	for end := time.Now().Add(30 * time.Second); len(Tree(cmd.Process.Pid)) < 2 || CPU(cmd.Process.Pid) < 50*time.Millisecond; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("tree %v, %v", Tree(cmd.Process.Pid), CPU(cmd.Process.Pid))
		}
	}
	if got := CPU(os.Getpid()) - before; got < 50*time.Millisecond {
		t.Errorf("the test has used %v with its children", got)
	}
	all, one := Resident(os.Getpid()), Resident(cmd.Process.Pid)
	if one <= 0 || all <= one || Peak(os.Getpid()) < all/2 {
		t.Errorf("resident %.1f MB of %.1f MB, peak %.1f", one, all, Peak(os.Getpid()))
	}
}

func TestPostmaster(t *testing.T) {
	dir := t.TempDir()
	if got := Postmaster(dir); got != 0 {
		t.Errorf("no server has the pid %d", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "postmaster.pid"), []byte("4242\n/data\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Postmaster(dir); got != 4242 {
		t.Errorf("pid %d", got)
	}
}
