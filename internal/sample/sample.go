// Package sample is the sample database of the demo, the tests and the
// benchmarks: users who write posts and comments and place orders, and a table
// with a column of every type. Its rows are the same on every server.
//
// The SQL is in sql/ and is ordinary: psql can load it, given the settings
// sample.users, sample.posts and sample.comments.
package sample

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

//go:embed sql/*.sql
var files embed.FS

// Size is how many rows the large tables get. The rest follows from it: two
// orders for each user, one event for each post. Each number is at least 1.
type Size struct {
	Users, Posts, Comments int
}

// The sizes in use. Small loads in about half a second and is quick to clone;
// Demo takes about a second; Bench is what results in docs/bench refer to.
var (
	Small = Size{Users: 100, Posts: 500, Comments: 2_000}
	Demo  = Size{Users: 1_000, Posts: 5_000, Comments: 20_000}
	Bench = Size{Users: 10_000, Posts: 100_000, Comments: 300_000}
)

// Times is s with every number multiplied by n.
func (s Size) Times(n int) Size {
	return Size{Users: s.Users * n, Posts: s.Posts * n, Comments: s.Comments * n}
}

// Progress is told that part done of total begins; name is what it makes, such
// as "posts". The last call has done equal to total.
type Progress func(done, total int, name string)

// Option changes a load.
type Option interface{ apply(*loader) }

type optionFunc func(*loader)

func (f optionFunc) apply(l *loader) { f(l) }

type loader struct{ progress Progress }

// WithProgress calls p before each part of the load, on the caller's
// goroutine. Default: nobody is told.
func WithProgress(p Progress) Option { return optionFunc(func(l *loader) { l.progress = p }) }

// part is a piece of SQL that makes one thing.
type part struct{ name, text string }

// Load makes the sample database in the first schema of db's search_path, in
// one transaction: it is there complete or not at all. Loading twice fails,
// because the names are taken. Extensions are created where the server has
// them and the role may; a missing one leaves out its columns of all_types.
func Load(ctx context.Context, db *sql.DB, size Size, opts ...Option) error {
	l := &loader{progress: func(int, int, string) {}}
	for _, o := range opts {
		o.apply(l)
	}
	if size.Users < 1 || size.Posts < 1 || size.Comments < 1 {
		return fmt.Errorf("load the sample database: size %+v, want at least one row of each", size)
	}
	parts, err := parts()
	if err != nil {
		return fmt.Errorf("load the sample database: %w", err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("load the sample database: %w", err)
	}
	if err := l.run(ctx, tx, size, parts); err != nil {
		return fmt.Errorf("load the sample database: %w", errors.Join(err, rollback(tx)))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("load the sample database: %w", err)
	}
	return nil
}

// rollback ignores that the transaction is over already, as it is when the
// context ended.
func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

func (l *loader) run(ctx context.Context, tx *sql.Tx, size Size, parts []part) error {
	for _, setting := range []struct{ name, value string }{
		{"client_min_messages", "warning"},
		{"timezone", "UTC"},
		{"sample.users", strconv.Itoa(size.Users)},
		{"sample.posts", strconv.Itoa(size.Posts)},
		{"sample.comments", strconv.Itoa(size.Comments)},
	} {
		// true: for this transaction only, so a pooled session is as before.
		if _, err := tx.ExecContext(ctx, "SELECT set_config($1, $2, true)", setting.name, setting.value); err != nil {
			return fmt.Errorf("set %s: %w", setting.name, err)
		}
	}
	for i, p := range parts {
		l.progress(i, len(parts), p.name)
		if _, err := tx.ExecContext(ctx, OneStatement(p.text)); err != nil {
			return fmt.Errorf("make %s: %w", p.name, err)
		}
	}
	l.progress(len(parts), len(parts), "done")
	return nil
}

// OneStatement turns a script of several statements into one, because a backend
// sends one statement a call. The server itself divides the script (PL/pgSQL's
// EXECUTE takes several commands), which no client can do as well. The script
// can hold neither transaction control nor what refuses to run in a function,
// such as CREATE DATABASE.
func OneStatement(script string) string {
	return "DO $one_do$ BEGIN EXECUTE $one_script$\n" + script + "\n$one_script$; END $one_do$"
}

// parts are the embedded files in the order of their names, divided at
// "-- part: name" lines. The text before the first of them is one part too.
func parts() ([]part, error) {
	names, err := fs.Glob(files, "sql/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []part
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		head, rest, divided := strings.Cut(string(text), "\n-- part: ")
		if !divided {
			// "20_all_types.sql" makes "all types".
			_, title, _ := strings.Cut(strings.TrimSuffix(path.Base(name), ".sql"), "_")
			all = append(all, part{name: strings.ReplaceAll(title, "_", " "), text: head})
			continue
		}
		for section := range strings.SplitSeq(rest, "\n-- part: ") {
			title, body, _ := strings.Cut(section, "\n")
			all = append(all, part{name: title, text: body})
		}
	}
	return all, nil
}
