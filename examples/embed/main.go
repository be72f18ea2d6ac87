// Command embed answers the JSON operation on its standard input, to show all
// that an application needs in order to embed fraiseql:
//
//	export DATABASE_URL=postgres://…
//	echo '{"operation":"query","table":"users","fields":["id","name"]}' | go run ./examples/embed
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/flags"
)

func main() {
	if err := run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

// run answers one request. An error was already told to w in the form that a
// client may see; the one that is returned is for the operator.
func run(ctx context.Context, r io.Reader, w io.Writer) (err error) {
	request, err := io.ReadAll(io.LimitReader(r, 1<<20))
	settings, flagsErr := flags.FromEnv()
	if err := errors.Join(err, flagsErr); err != nil {
		return err
	}
	db, err := fraiseql.Open(ctx, "", settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.ExecuteJSON(ctx, request, w)
}
