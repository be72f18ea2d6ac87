package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// database points DATABASE_URL at a sample database.
func database() (done func()) {
	before, was := os.LookupEnv("DATABASE_URL")
	os.Setenv("DATABASE_URL", pgtest.ExampleDSN(true))
	return func() {
		if was {
			os.Setenv("DATABASE_URL", before)
		} else {
			os.Unsetenv("DATABASE_URL")
		}
	}
}

func Example() {
	defer database()()
	for _, request := range []string{
		`{"operation":"query","table":"users","fields":["id","name"],"filters":{"id":{"lte":2}},"sort":[{"field":"id","direction":"ASC"}]}`,
		`{"operation":"query","table":"usres","fields":["id"]}`,
	} {
		if err := run(context.Background(), strings.NewReader(request), os.Stdout); err != nil {
			fmt.Print("\nfailed")
		}
		fmt.Println()
	}
	// Output:
	// {"data":[{"id":1,"name":"Ada Lovelace"},{"id":2,"name":"Grace Hopper"}],"errors":null}
	// {"data":null,"errors":[{"message":"$.table: unknown table \"usres\"","extensions":{"code":"BAD_USER_INPUT","problems":[{"path":"$.table","message":"unknown table \"usres\""}]}}]}
	// failed
}
