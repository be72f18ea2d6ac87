package cli_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fraiseql/fraiseql-go/internal/pgembed"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// logged starts a server that logs, runs an application's statements in its database
// app, and gives the script the log as server.log, server.csv and server.json and the
// database as $DATABASE_URL. That of the other scripts stays in $SAMPLE_URL.
func logged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: logged")
	}
	t := ts.Value("t").(testing.TB)
	s := pgtest.Dedicated(t, pgembed.WithSetting("log_statement", "all"), pgembed.WithSetting("log_line_prefix", "%m [%p] %q%u@%d %e "),
		pgembed.WithSetting("logging_collector", "on"), pgembed.WithSetting("log_destination", "stderr,csvlog,jsonlog"),
		pgembed.WithSetting("log_directory", "logs"), pgembed.WithSetting("log_filename", "all.log"),
		pgembed.WithSetting("shared_preload_libraries", "pg_stat_statements"))
	pgtest.Exec(t, s.DSN("template1"), "create extension pg_stat_statements", "create table notes (id int primary key, body text)")
	pgtest.Exec(t, s.DSN("postgres"), "create database app template template1")
	dsn := s.DSN("app")
	ts.Check(application(t, dsn))
	for ending, name := range map[string]string{"log": "server.log", "csv": "server.csv", "json": "server.json"} {
		ts.Check(os.WriteFile(ts.MkAbs(name), written(ts, s.Dir(), "all."+ending), 0o600))
	}
	pgtest.Exec(t, dsn, "truncate notes") // so that what was captured can run again
	ts.Setenv("SAMPLE_URL", ts.Getenv("DATABASE_URL"))
	ts.Setenv("DATABASE_URL", dsn)
}

const lastStatement = "select 'the last one'"

func application(t testing.TB, dsn string) error {
	db := pgtest.Open(t, dsn)
	db.SetMaxOpenConns(1)
	ctx := t.Context()
	exec := func(query string, args ...any) error {
		_, err := db.ExecContext(ctx, query, args...)
		return err
	}
	err := errors.Join(exec("insert into notes values ($1, $2)", 1, "it's"), exec("listen here"), exec("declare c cursor with hold for select 1"))
	tx, begun := db.BeginTx(ctx, nil)
	if err = errors.Join(err, begun); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "delete from notes where id = $1", 1)
	var n int
	return errors.Join(err, tx.Rollback(), db.QueryRowContext(ctx, "select count(*) from notes where id < $1", 10).Scan(&n), exec(lastStatement))
}

// written is a file of the log, once the collector has written the last statement.
func written(ts *testscript.TestScript, dir, name string) []byte {
	for wait := time.Now(); time.Since(wait) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(dir, "*", "logs", name))
		ts.Check(err)
		if len(files) != 1 {
			continue
		}
		data, err := os.ReadFile(files[0])
		ts.Check(err)
		if bytes.Contains(data, []byte("the last one")) && bytes.HasSuffix(data, []byte("\n")) {
			return data
		}
	}
	ts.Fatalf("%s has no last statement", name)
	return nil
}
