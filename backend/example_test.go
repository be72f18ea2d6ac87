package backend_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/fraiseql/fraiseql-go/backend"
)

// The Config, not the DSN, is what both drivers connect with. Its String leaves
// secrets out.
func ExampleParseDSN() {
	cfg, err := backend.ParseDSN("postgres://ann:secret@db.example.com:6432/app?sslmode=verify-full", os.Getenv)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cfg.Hosts[0].Name, cfg.Hosts[0].Port, cfg.User, cfg.Database)
	fmt.Println(cfg.Password)

	_, err = backend.ParseDSN("postgres://db.example.com/app?sslmode=sometimes", os.Getenv)
	fmt.Println(err, backend.CodeOf(err))
	// Output:
	// db.example.com 6432 ann app
	// (redacted)
	// configure: sslmode "sometimes": want disable, allow, prefer, require, verify-ca or verify-full CONFIGURATION
}

// Callers decide by code, never by text.
func ExampleCodeOf() {
	err := fmt.Errorf("save the order: %w", backend.New("exec", backend.CodeConflict, errors.New("could not serialize access")))
	switch code := backend.CodeOf(err); code {
	case backend.CodeConflict:
		fmt.Println("again:", code, code.HTTPStatus())
	default:
		fmt.Println(code)
	}
	// Output:
	// again: CONFLICT 409
}
