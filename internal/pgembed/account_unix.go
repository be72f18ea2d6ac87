//go:build unix

package pgembed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user that the server runs as; nil is the current user.
// PostgreSQL refuses to run as root, so root picks another.
type account struct {
	name     string
	uid, gid uint32
}

// serverAccount picks the user for the server: the current one, or, for root,
// "postgres", else "nobody", else the lowest uid from 1000 on that has a name.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return newAccount(u)
		}
	}
	for uid := 1000; uid < 1100; uid++ {
		if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
			return newAccount(u)
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres, nobody, or 1000 and up to run it as")
}

func newAccount(u *user.User) (*account, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("uid of user %s: %w", u.Username, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("gid of user %s: %w", u.Username, err)
	}
	return &account{name: u.Username, uid: uint32(uid), gid: uint32(gid)}, nil
}

// apply makes cmd run as a, in an environment that no PG* variable of the
// caller leaks into (PGDATA, PGPORT and the like change what initdb does).
func (a *account) apply(cmd *exec.Cmd) {
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	if a != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid, Groups: []uint32{a.gid}}
	}
}

// detach puts cmd into a session of its own: a Ctrl-C at the terminal goes to
// the foreground process group and must not reach the supervisor, which would
// otherwise race with its owner.
func detach(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid = true
}

// signalProcess sends sig to the process pid; os.ErrProcessDone if there is none.
func signalProcess(pid int, sig os.Signal) error {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return fmt.Errorf("signal %v is not one of this system", sig)
	}
	if err := syscall.Kill(pid, s); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return os.ErrProcessDone
}

// makeDir creates a directory that only the server's user (and root) may
// enter, in a place where that user can also remove it again.
func (a *account) makeDir() (string, error) {
	var problems []error
	for _, base := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if a != nil && !a.mayUse(base) {
			problems = append(problems, fmt.Errorf("user %s may not write to %s", a.name, base))
			continue
		}
		dir, err := os.MkdirTemp(base, "fraiseql-pg-")
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if a != nil {
			if err := os.Chown(dir, int(a.uid), int(a.gid)); err != nil {
				return "", errors.Join(err, os.Remove(dir))
			}
		}
		return dir, nil
	}
	return "", fmt.Errorf("create a data directory: %w", errors.Join(problems...))
}

// own gives path to the server's user.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// mayUse reports whether a, as neither owner nor group, may reach base and
// create and remove entries in it.
func (a *account) mayUse(base string) bool {
	base, err := filepath.EvalSymlinks(base)
	if err != nil {
		return false
	}
	info, err := os.Stat(base)
	return err == nil && info.Mode()&0o002 != 0 && a.mayEnter(base)
}

// mayEnter reports whether a, as neither owner nor group, may reach dir and
// look up names in it.
func (a *account) mayEnter(dir string) bool {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// onlyOurs is an error unless dir is a directory that the current user owns
// and nobody else may write to.
func onlyOurs(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != os.Geteuid() || info.Mode()&0o022 != 0 {
		return fmt.Errorf("%s is not a directory that only its owner, this user, may write to", dir)
	}
	return nil
}
