package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// database points DATABASE_URL at a sample database. An example has no
// testing.TB, which pgtest wants for its cleanup and for its complaints.
func database() (done func()) {
	t := &exampleTB{}
	before, was := os.LookupEnv("DATABASE_URL")
	os.Setenv("DATABASE_URL", pgtest.Sample(t))
	return func() {
		if !was {
			os.Unsetenv("DATABASE_URL")
		} else {
			os.Setenv("DATABASE_URL", before)
		}
		for _, undo := range slices.Backward(t.cleanups) {
			undo()
		}
	}
}

type exampleTB struct {
	testing.TB
	cleanups []func()
}

func (t *exampleTB) Cleanup(f func())           { t.cleanups = append(t.cleanups, f) }
func (*exampleTB) Context() context.Context     { return context.Background() }
func (*exampleTB) Failed() bool                 { return false }
func (*exampleTB) Fatal(args ...any)            { panic(fmt.Sprint(args...)) }
func (*exampleTB) Fatalf(f string, args ...any) { panic(fmt.Sprintf(f, args...)) }
func (*exampleTB) Helper()                      {}
func (*exampleTB) Logf(string, ...any)          {}
func (*exampleTB) Name() string                 { return "Example" }

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
