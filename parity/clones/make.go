package clones

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
)

// Pair is two databases that were cloned from one. Drop them.
type Pair struct {
	// Control and Candidate are cfg of Make, each with its own database.
	Control, Candidate backend.Config

	admin *sql.DB
}

// maintenance is the database that every server has for statements about others.
const maintenance = "postgres"

// dropTimeout bounds Drop, which has to work after its caller's context has ended.
const dropTimeout = 30 * time.Second

// Make clones the database of cfg twice, through b. Errors are *backend.Error; that
// somebody is connected to the database is one of them.
func Make(ctx context.Context, b backend.Backend, cfg backend.Config) (pair *Pair, err error) {
	if cfg.Database == "" {
		return nil, backend.New("clone", backend.CodeConfiguration, errors.New("the database to clone has to be named"))
	}
	at := cfg
	at.Database = maintenance
	connector, err := b.Connector(at)
	if err != nil {
		return nil, backend.Wrap(b, "clone", err)
	}
	p := &Pair{Control: cfg, Candidate: cfg, admin: sql.OpenDB(connector)}
	p.admin.SetMaxOpenConns(1)
	defer func() {
		if err != nil {
			err = errors.Join(backend.Wrap(b, "clone", explain(cfg.Database, err)), p.Drop(ctx))
		}
	}()
	var how string
	err = p.admin.QueryRowContext(ctx, `select case when current_setting('server_version_num')::int >= 150000 then ' strategy file_copy' else '' end`).Scan(&how)
	if err != nil {
		return nil, err
	}
	var random [6]byte
	rand.Read(random[:]) // never returns an error (Go 1.24)
	name := "fraiseql_clone_" + hex.EncodeToString(random[:])
	for _, side := range []struct {
		cfg    *backend.Config
		suffix string
	}{{&p.Control, "_control"}, {&p.Candidate, "_candidate"}} {
		if _, err = p.admin.ExecContext(ctx, "create database "+quote(name+side.suffix)+" template "+quote(cfg.Database)+how); err != nil {
			return nil, err
		}
		side.cfg.Database = name + side.suffix
	}
	return p, nil
}

// explain says in the user's words why a clone could not be made.
func explain(database string, err error) error {
	switch backend.SQLStateOf(err) {
	case "55006": // object_in_use
		return fmt.Errorf("somebody is connected to the database %q: a template has to be left alone while it is cloned: %w", database, err)
	case "42501": // insufficient_privilege
		return fmt.Errorf("the role may not clone %q: it needs CREATEDB, and to own the database or be a superuser: %w", database, err)
	}
	return err
}

// Drop removes both databases, whoever is still connected to them. It is safe to
// call more than once, and works although ctx has ended.
func (p *Pair) Drop(ctx context.Context) error {
	if p.admin == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTimeout)
	defer cancel()
	var errs []error
	for _, name := range []string{p.Control.Database, p.Candidate.Database} {
		if !strings.HasPrefix(name, "fraiseql_clone_") { // it was never made
			continue
		}
		_, err := p.admin.ExecContext(ctx, "drop database if exists "+quote(name)+" with (force)")
		errs = append(errs, err)
	}
	errs = append(errs, p.admin.Close())
	p.admin = nil
	return errors.Join(errs...)
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
