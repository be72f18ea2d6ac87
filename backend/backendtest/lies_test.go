package backendtest_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/backend/backendtest"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// A suite that cannot fail proves nothing. Each lie is one that a driver has told,
// or could, and names the case that must find it.

type lie struct {
	name   string
	caught string // the case that must fail
	tell   func(*liar)
}

func exec(f func(h honest, ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error)) func(honest) driver.Conn {
	return func(h honest) driver.Conn { return execLie{h, f} }
}

func begin(f func(h honest, ctx context.Context, o driver.TxOptions) (driver.Tx, error)) func(honest) driver.Conn {
	return func(h honest) driver.Conn { return beginLie{h, f} }
}

func cells(f func(driver.Value) driver.Value) func(honest) driver.Conn {
	return func(h honest) driver.Conn { return queryLie{h, f} }
}

func lies(honestBackend backend.Backend) []lie {
	return []lie{
		{"cuts floats", "args/refuse-float", func(l *liar) {
			l.bind = func(v any) (any, error) {
				if f, ok := v.(float64); ok {
					return fmt.Sprint(int(f)), nil
				}
				return honestBackend.Bind(v)
			}
		}},
		{"binds integers", "args/refuse-int64", func(l *liar) {
			l.bind = func(v any) (any, error) {
				if _, ok := v.(int64); ok {
					return v, nil
				}
				return honestBackend.Bind(v)
			}
		}},
		{"stores '' as NULL", "nulls/argument-empty-string", func(l *liar) {
			l.bind = func(v any) (any, error) {
				if v == "" {
					return nil, nil
				}
				return honestBackend.Bind(v)
			}
		}},
		{"sends bytes as text", "args/bytes-with-hex-prefix", func(l *liar) {
			l.bind = func(v any) (any, error) {
				if b, ok := v.([]byte); ok {
					return string(b), nil
				}
				return honestBackend.Bind(v)
			}
		}},
		{"trims strings", "args/string-is-text", func(l *liar) {
			l.bind = func(v any) (any, error) {
				if s, ok := v.(string); ok {
					return strings.TrimSpace(s), nil
				}
				return honestBackend.Bind(v)
			}
		}},
		{"drops a row", "results/ten-thousand", func(l *liar) {
			l.wire = func(r backend.WireRows) backend.WireRows { return &wireLie{WireRows: r, skip: 5000} }
		}},
		{"reads NULL as ''", "nulls/whole-row", func(l *liar) {
			l.wire = func(r backend.WireRows) backend.WireRows { return &wireLie{WireRows: r, nulls: true} }
		}},
		{"swallows the error behind rows", "results/error-after-rows", func(l *liar) {
			l.wire = func(r backend.WireRows) backend.WireRows { return &wireLie{WireRows: r, quiet: true} }
		}},
		{"takes a broken result for a whole one", "connection/cut-mid-result-rst-wire", func(l *liar) {
			l.wire = func(r backend.WireRows) backend.WireRows { return &wireLie{WireRows: r, quiet: true} }
		}},
		{"calls every column text", "results/column-types", func(l *liar) {
			l.wire = func(r backend.WireRows) backend.WireRows {
				return &wireLie{WireRows: r, column: func(c backend.Column) backend.Column { c.OID = 25; return c }}
			}
		}},
		{"folds column names", "results/column-names", func(l *liar) {
			l.wire = func(r backend.WireRows) backend.WireRows {
				return &wireLie{WireRows: r, column: func(c backend.Column) backend.Column { c.Name = strings.ToLower(c.Name); return c }}
			}
		}},
		{"changes a SQLSTATE", "errors/23505-unique", func(l *liar) {
			l.fields = func(state string, _ *backend.Fields) string { return strings.Replace(state, "23505", "23000", 1) }
		}},
		{"forgets the constraint", "errors/23503-foreign-key", func(l *liar) {
			l.fields = func(state string, f *backend.Fields) string { f.Constraint = ""; return state }
		}},
		{"cuts microseconds", "types/timestamptz/read", func(l *liar) {
			l.conn = cells(func(v driver.Value) driver.Value {
				if s, ok := v.(string); ok {
					return strings.TrimSuffix(s, ".999999+00")
				}
				return v
			})
		}},
		{"counts one row always", "affected/update-none", func(l *liar) {
			l.conn = exec(func(h honest, ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
				if _, err := h.ExecContext(ctx, q, args); err != nil {
					return nil, err
				}
				return driver.RowsAffected(1), nil
			})
		}},
		{"asks for a repetition of what may have run", "divergence/02-lost-answer-pool-exec-fin", func(l *liar) {
			l.conn = exec(func(h honest, ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
				res, err := h.ExecContext(ctx, q, args)
				if err != nil && backend.CodeOf(err) == backend.CodeServiceUnavailable {
					return nil, driver.ErrBadConn
				}
				return res, err
			})
		}},
		{"ignores its context", "context/cancel-during-exec", func(l *liar) {
			l.conn = exec(func(h honest, ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
				return h.ExecContext(context.WithoutCancel(ctx), q, args)
			})
		}},
		{"waits for ever on a dead network", "divergence/18-dead-network-exec", func(l *liar) {
			l.conn = exec(func(h honest, ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
				return h.ExecContext(context.WithoutCancel(ctx), q, args)
			})
		}},
		{"runs a cancelled statement", "divergence/19-cancelled-on-a-held-connection", func(l *liar) {
			l.conn = exec(func(h honest, ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
				return h.ExecContext(context.WithoutCancel(ctx), q, args)
			})
		}},
		{"says yes to every commit", "tx/commit-aborted", func(l *liar) {
			l.conn = begin(func(h honest, ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
				tx, err := h.BeginTx(ctx, o)
				return agreeableTx{tx}, err
			})
		}},
		{"forgets the isolation level", "tx/isolation-serializable", func(l *liar) {
			l.conn = begin(func(h honest, ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
				return h.BeginTx(ctx, driver.TxOptions{ReadOnly: o.ReadOnly})
			})
		}},
		{"overrides a read-only default", "divergence/13-begin-read-write", func(l *liar) {
			l.conn = begin(func(h honest, ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
				tx, err := h.BeginTx(ctx, o)
				if err == nil {
					_, err = h.ExecContext(ctx, "set transaction read write", nil)
				}
				return tx, err
			})
		}},
		{"drops session parameters", "connection/session-parameters", func(l *liar) {
			l.config = func(c *backend.Config) { delete(c.Session, "work_mem") }
		}},
		{"inherits the encoding of the role", "divergence/03-client-encoding-of-the-role", func(l *liar) {
			l.conn = func(h honest) driver.Conn {
				_, _ = h.ExecContext(context.Background(), "reset client_encoding", nil)
				// The start-up's value is the reset value, so the role's is set by hand.
				_, _ = h.ExecContext(context.Background(), "set client_encoding = 'LATIN1'", nil)
				return h
			}
		}},
		{"drops notices", "notices/order", func(l *liar) { l.config = func(c *backend.Config) { c.OnNotice = nil } }},
		{"talks in the clear", "tls/require-tls-server", func(l *liar) {
			l.config = func(c *backend.Config) { c.TLS = backend.TLS{Mode: "disable"} }
		}},
		{"falls back to the clear", "tls/require-plain-server", func(l *liar) { l.config = func(c *backend.Config) { c.TLS = backend.TLS{Mode: "prefer"} } }},
		{"trusts every certificate", "tls/verify-full-wrong-name", func(l *liar) {
			l.config = func(c *backend.Config) {
				if c.TLS.Mode == "verify-full" {
					c.TLS = backend.TLS{Mode: "require"}
				}
			}
		}},
		{"tries the first host only", "dsn/multi-host", func(l *liar) { l.config = func(c *backend.Config) { c.Hosts = c.Hosts[:1] } }},
		{"keeps every statement prepared", "statements/cache-is-bounded", func(l *liar) { l.config = func(c *backend.Config) { c.StatementCacheSize = 10000 } }},
		{"dials too early", "connection/connector-never-dials", func(l *liar) {
			l.make = func(c backend.Config) {
				connector, err := honestBackend.Connector(c)
				if err != nil {
					return
				}
				go func() {
					if conn, err := connector.Connect(context.Background()); err == nil {
						_ = conn.Close()
					}
				}()
			}
		}},
	}
}

func TestLiesAreCaught(t *testing.T) {
	t.Parallel()
	set, err := all.Backends(all.WithBinary(codec.HasBinary))
	if err != nil {
		t.Fatal(err)
	}
	honestBackend, err := set.Lookup("pgx")
	if err != nil {
		t.Fatal(err)
	}
	caught := map[string]bool{}
	for _, l := range lies(honestBackend) {
		caught[l.caught] = true
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			told := liar{Backend: honestBackend}
			l.tell(&told)
			var b backend.Backend = told
			if told.conn == nil {
				b = wired{told}
			}
			var got []backendtest.Result
			err := backendtest.Check(t.Context(), b, pgtest.DB(t), func(r backendtest.Result) { got = append(got, r) },
				backendtest.Only(func(c backendtest.Case) bool { return c.ID == l.caught }))
			if err == nil || len(got) != 1 || got[0].Status() != backendtest.Failed {
				t.Fatalf("a backend that %s: %v (%v), want %s to fail", l.name, got, err, l.caught)
			}
			if s := got[0].String(); !strings.Contains(s, got[0].Case.Why) {
				t.Errorf("the report does not say why it matters: %s", s)
			}
			t.Logf("caught: %v", got[0].Err)
		})
	}
	t.Run("control", func(t *testing.T) {
		t.Parallel()
		err := backendtest.Check(t.Context(), honestBackend, pgtest.DB(t), func(r backendtest.Result) {
			if r.Status() != backendtest.Passed {
				t.Error(r)
			}
		}, backendtest.Only(func(c backendtest.Case) bool { return caught[c.ID] }))
		if err != nil {
			t.Error(err)
		}
	})
}

// minimal is a stranger's backend with the three methods and nothing else.
type minimal struct{ b backend.Backend }

func (m minimal) Name() string                                         { return "minimal" }
func (m minimal) Connector(c backend.Config) (driver.Connector, error) { return m.b.Connector(c) }
func (m minimal) Bind(arg any) (any, error)                            { return m.b.Bind(arg) }

// TestMinimalBackend: optional abilities are optional. What cannot be asked is
// reported as not run, and everything else passes.
func TestMinimalBackend(t *testing.T) {
	t.Parallel()
	set, err := all.Backends()
	if err != nil {
		t.Fatal(err)
	}
	b, err := set.Lookup("pgx")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	count := map[backendtest.Status]int{}
	areas := []string{"nulls", "args", "errors", "affected", "tx"}
	err = backendtest.Check(t.Context(), minimal{b}, pgtest.DB(t), func(r backendtest.Result) {
		mu.Lock()
		defer mu.Unlock()
		count[r.Status()]++
		if !r.OK() {
			t.Error(r)
		}
	}, backendtest.Parallel(2), backendtest.Only(func(c backendtest.Case) bool { return slices.Contains(areas, c.Area()) }))
	if err != nil {
		t.Error(err)
	}
	if count[backendtest.Passed] == 0 || count[backendtest.NotRun] == 0 {
		t.Errorf("statuses %v: want passes and some that were not run", count)
	}
}
