package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that loads the sample data

	"github.com/fraiseql/fraiseql-go/internal/pgembed"
	"github.com/fraiseql/fraiseql-go/internal/sample"
	"github.com/fraiseql/fraiseql-go/tests/bench/proc"
)

// data is the database that all servers are asked about.
type data struct {
	dsn, name  string
	version    string
	postmaster int // process; 0: it can't be found out
	users      int
	last       int64 // the largest key of users at the beginning
	pool       *sql.DB
	stop       func()
}

// database is that of o, or one of its own.
func database(ctx context.Context, o *options) (*data, error) {
	d := &data{dsn: o.dsn, stop: func() {}}
	if o.dsn == "" {
		server, err := pgembed.Start(ctx, pgembed.WithProgress(os.Stderr))
		if err != nil {
			return nil, err
		}
		d.dsn, d.stop = server.DSN(""), func() { _ = server.Stop() }
	}
	if err := d.open(ctx, o); err != nil {
		d.stop()
		return nil, err
	}
	stop := d.stop
	d.stop = func() {
		_ = d.pool.Close()
		stop()
	}
	return d, nil
}

func (d *data) open(ctx context.Context, o *options) (err error) {
	if d.pool, err = sql.Open("pgx", d.dsn); err != nil {
		return err
	}
	if o.dsn == "" {
		size := sample.Bench.Times(o.times)
		fmt.Fprintf(os.Stderr, "loading %d users, %d posts, %d comments\n", size.Users, size.Posts, size.Comments)
		if err := sample.Load(ctx, d.pool, size); err != nil {
			return errors.Join(err, d.pool.Close())
		}
		if _, err := d.pool.ExecContext(ctx, "vacuum analyze"); err != nil {
			return errors.Join(err, d.pool.Close())
		}
	}
	var dir string
	err = d.pool.QueryRowContext(ctx, "select current_database(), current_setting('server_version'), current_setting('data_directory', true), count(*), max(id) from users").
		Scan(&d.name, &d.version, &dir, &d.users, &d.last)
	if err != nil {
		return errors.Join(err, d.pool.Close())
	}
	d.postmaster = proc.Postmaster(dir)
	return nil
}

// forget takes away what was inserted, so that tables are what they were.
func (d *data) forget(ctx context.Context) error {
	if _, err := d.pool.ExecContext(ctx, "delete from users where id > $1", d.last); err != nil {
		return err
	}
	_, err := d.pool.ExecContext(ctx, "vacuum analyze users")
	return err
}
