//go:build !unix

package pgembed

import (
	"errors"
	"os"
	"os/exec"
)

// account stands in for the user that the server runs as. Without a Unix shell
// and process groups a server cannot be tied to its owner's life, so Start
// refuses here and names the way out.
type account struct{ name string }

var errUnsupported = errors.New("this needs a Unix system; set DATABASE_URL to a server instead")

func serverAccount() (*account, error)    { return nil, errUnsupported }
func (*account) apply(*exec.Cmd)          {}
func (*account) makeDir() (string, error) { return "", errUnsupported }
func (*account) own(string) error         { return errUnsupported }
func (*account) mayEnter(string) bool     { return false }
func onlyOurs(string) error               { return errUnsupported }
func detach(*exec.Cmd)                    {}

func freePort() (int, *os.File, error) { return 0, nil, errUnsupported }

func signalProcess(int, os.Signal) error { return errUnsupported }
