package executor_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/faultproxy"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// A statement goes to the server in several messages, and a cancel request that comes
// between two of them finds nothing to cancel there. The statement must not go on alone.
func TestCancelBetweenMessages(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db, proxy := behind(t, b, dsn)
		if got := value(t, db, read("select $1::text", "warm")); got != `"warm"` {
			t.Fatal(got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var once sync.Once
		proxy.Arm(faultproxy.Fault{When: func(m faultproxy.Message) bool {
			if m.Type == '1' { // it is parsed, and the client does not know yet
				once.Do(cancel)
			}
			return false
		}})
		// Where it goes in one piece the cancel comes before the answer.
		time.AfterFunc(2*time.Second, cancel)
		proxy.Delay(30 * time.Millisecond)
		name := "between messages of " + backend.ModeOf(b)
		rows, err := db.Query(ctx, read("select $1::text, pg_sleep(120) /* "+name+" */", "x"))
		if err == nil {
			for rows.Next() {
				continue
			}
			err = rows.Err()
			_ = rows.Close()
		}
		if backend.CodeOf(err) != backend.CodeCanceled {
			t.Errorf("%v", err)
		}
		look := pgtest.Open(t, dsn)
		var active int
		for until := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			const query = "select count(*) from pg_stat_activity where datname = current_database() and state = 'active' and pid <> pg_backend_pid() and query like '%' || $1 || '%' and query like '%pg_sleep%'"
			if err := look.QueryRowContext(t.Context(), query, name).Scan(&active); err != nil {
				t.Fatal(err)
			}
			if active == 0 {
				return
			}
			if time.Now().After(until) {
				t.Fatalf("%s: the statement goes on at the server", backend.ModeOf(b))
			}
		}
	})
}
