//go:build !unix

package pgembed

import (
	"errors"
	"os"
	"os/exec"
)

// account stands in for the user that the server runs as. Without a Unix shell
// and process groups a server cannot be tied to its owner's life, so Start
// refuses here and names DATABASE_URL as the way out.
type account struct{}

var errUnsupported = errors.New("a throw-away PostgreSQL needs a Unix system")

func serverAccount() (*account, error)    { return nil, errUnsupported }
func (*account) apply(*exec.Cmd)          {}
func (*account) makeDir() (string, error) { return "", errUnsupported }
func (*account) own(string) error         { return errUnsupported }
func detach(*exec.Cmd)                    {}
func signalProcess(int, os.Signal) error  { return errUnsupported }
