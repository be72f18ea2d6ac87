package replica_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/executor/replica"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// pairsVar is how many writes are read back, in all modes together.
const pairsVar = "FRAISEQL_REPLICA_PAIRS"

func pairs(t testing.TB, def int) int {
	t.Helper()
	text := os.Getenv(pairsVar)
	if text == "" {
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q: want a number from 1", pairsVar, text)
	}
	return n
}

// counters is a table of one row for each worker, and a function that writes.
const counters = `
	create table counters (id int primary key, n int8 not null);
	create function bump(which int) returns int8 language sql volatile as
		'update counters set n = n + 1 where id = which returning n'`

// TestReadYourWrites writes and reads back, thousands of times, in every mode of
// both backends: of two replicas one is late by 300 ms on purpose, so that without
// a look at positions about half of the reads were stale. It is what the package is
// for; FRAISEQL_REPLICA_PAIRS sets the number.
func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	c := pgtest.NewCluster(t, nil, nil, settings("recovery_min_apply_delay", "300ms"))
	pgtest.Exec(t, c.Primary.DSN(""), counters)
	modes := all.Modes(codec.HasBinary)
	total := pairs(t, 3500)
	const workers = 4
	each := (total + len(modes)*workers - 1) / (len(modes) * workers)
	for m, b := range modes {
		t.Run(backend.ModeOf(b), func(t *testing.T) {
			t.Parallel()
			r := onCluster(t, c, b)
			var all sync.WaitGroup
			began := time.Now()
			for w := range workers {
				all.Go(func() { writeAndRead(t, r, m*workers+w, each) })
			}
			all.Wait()
			s := r.Status()
			t.Logf("%d pairs in %v; reads: fast %d, late %d, primary %d; waited %d, timeouts %d", workers*each, time.Since(began).Round(time.Millisecond),
				s.Replicas[0].Reads, s.Replicas[1].Reads, s.PrimaryReads, s.Waited, s.Timeouts)
			if on := s.Replicas[0].Reads; on < uint64(workers*each)/2 {
				t.Errorf("%d of %d reads on the replica that is in time: the test proves nothing", on, workers*each)
			}
			if s.Unknown > 0 {
				t.Errorf("%d writes whose position was not known", s.Unknown)
			}
		})
	}
}

// writeAndRead writes and reads back n times in one session, in several ways.
func writeAndRead(t *testing.T, r executor.Runner, worker, n int) {
	ctx := t.Context()
	id := strconv.Itoa(worker)
	if _, err := r.Exec(ctx, write("insert into counters values ($1::int, 0)", id)); err != nil {
		t.Error(err)
		return
	}
	session := replica.NewSession()
	for i := range n {
		here := replica.WithSession(ctx, session)
		var err error
		switch i % 4 {
		case 0: // a statement by itself
			_, err = r.Exec(here, write("update counters set n = n + 1 where id = $1::int", id))
		case 1: // a function, with rows
			_, err = value(here, r, write("select bump($1::int)::text", id))
		case 2: // a transaction whose commit waits for no disk
			err = r.InTx(here, nil, func(ctx context.Context, tx executor.Runner) error {
				if _, err := tx.Exec(ctx, write("set local synchronous_commit = off")); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, write("update counters set n = n + 1 where id = $1::int", id))
				return err
			})
		case 3: // the client comes again with what it was told
			_, err = value(here, r, write("update counters set n = n + 1 where id = $1::int returning n::text", id))
			if err == nil {
				session, err = replica.Resume(session.Token())
				here = replica.WithSession(ctx, session)
			}
		}
		if err != nil {
			t.Errorf("write %d of worker %d: %v", i, worker, err)
			return
		}
		got, err := value(here, r, read("select n::text from counters where id = $1::int", id))
		if want := strconv.Itoa(i + 1); err != nil || got != want {
			t.Errorf("read %d of worker %d: %s, want %s, error %v (token %s)", i, worker, got, want, err, session.Token())
			return
		}
	}
}

// TestWithoutSession: nothing is promised, and a late replica shows it. It proves
// that TestReadYourWrites can fail.
func TestWithoutSession(t *testing.T) {
	t.Parallel()
	c := pgtest.NewCluster(t, nil, settings("recovery_min_apply_delay", "2s"))
	for _, b := range drivers(t) {
		t.Run(b.Name(), func(t *testing.T) {
			r := onCluster(t, c, b, replica.WithMaxLag(0))
			table := "words_" + b.Name()
			pgtest.Exec(t, c.Primary.DSN(""), "create table "+table+" (word text)")
			count := read("select count(*)::text from " + table)
			eventually(t, "the replica has the table", func() bool {
				before := r.Status().Replicas[0].Fallbacks
				_, err := value(t.Context(), r, count)
				return err == nil && r.Status().Replicas[0].Fallbacks == before
			})
			before, err := value(t.Context(), r, count)
			if err != nil {
				t.Fatal(err)
			}
			session := replica.NewSession()
			here := replica.WithSession(t.Context(), session)
			if _, err := r.Exec(here, write("insert into "+table+" values ($1)", b.Name())); err != nil {
				t.Fatal(err)
			}
			if after, err := value(t.Context(), r, count); after != before {
				t.Errorf("a read without a session: %s rows, error %v; want the %s of a replica that is late", after, err, before)
			}
			n, _ := strconv.Atoi(before)
			began := time.Now()
			if after, err := value(here, r, count); after != strconv.Itoa(n+1) {
				t.Errorf("a read of the session: %s rows, error %v; want %d", after, err, n+1)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("it took %v: the wait is bounded by 100 ms", took)
			}
			if s := r.Status(); s.Timeouts != 1 {
				t.Errorf("%d reads gave up waiting, want 1", s.Timeouts)
			}
			if !session.Wrote() {
				t.Error("the session does not know that something was written")
			}
		})
	}
}

func TestResume(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		tokens []string
		want   string // the token again
		bad    bool
	}{
		{"nothing", nil, "", false},
		{"empty", []string{"", " , "}, "", false},
		{"one", []string{"1-16B3748"}, "1-16B3748", false},
		{"the later one", []string{"1-16B3748, 1-16B3750", "1-1"}, "1-16B3750", false},
		{"a later timeline", []string{"2-10", "1-16B3748"}, "2-10", false},
		{"the primary", []string{"primary,1-16B3748"}, "primary", false},
		{"as large as can be", []string{"FFFFFFFF-FFFFFFFFFFFFFFFF"}, "FFFFFFFF-FFFFFFFFFFFFFFFF", false},
		{"too large", []string{"1-1FFFFFFFFFFFFFFFF"}, "", true},
		{"no timeline", []string{"0-16B3748"}, "", true},
		{"lower case", []string{"1-16b3748"}, "", true},
		{"zeros before", []string{"1-016B3748"}, "", true},
		{"a sign", []string{"1-+6B3748"}, "", true},
		{"as PostgreSQL writes it", []string{"0/16B3748"}, "", true},
		{"words", []string{"primarily"}, "", true},
		{"too many", []string{"1-1,1-1,1-1,1-1,1-1,1-1,1-1,1-1,1-1,1-1,1-1,1-1,1-1,1-1,1-1,1-1,1-1"}, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, err := replica.Resume(tc.tokens...)
			if tc.bad {
				if err == nil {
					t.Fatalf("token %q, want an error", s.Token())
				}
				return
			}
			if err != nil || s.Token() != tc.want {
				t.Errorf("token %q, error %v, want %q", s.Token(), err, tc.want)
			}
			if s.Wrote() {
				t.Error("nothing was written")
			}
		})
	}
}

// TestForgedToken: a position that nobody will reach costs one bounded wait and a
// read on the primary.
func TestForgedToken(t *testing.T) {
	t.Parallel()
	c := pgtest.NewCluster(t, nil, nil)
	for _, b := range drivers(t) {
		t.Run(b.Name(), func(t *testing.T) {
			r := onCluster(t, c, b, replica.WithWait(50*time.Millisecond))
			for _, token := range []string{"1-FFFFFFFFFFFFFFFF", "FFFFFFFF-1", "primary"} {
				s, err := replica.Resume(token)
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				got, err := value(replica.WithSession(t.Context(), s), r, read(port))
				if want := fmt.Sprint(c.Primary.Port()); err != nil || got != want {
					t.Errorf("%s: read on port %s, error %v, want %s", token, got, err, want)
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("%s: it took %v", token, took)
				}
			}
		})
	}
}
