package sample_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/internal/sample"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestLoad(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t, pgtest.DB(t))
	var names []string
	before := time.Now()
	err := sample.Load(t.Context(), db, sample.Demo, sample.WithProgress(func(done, total int, name string) {
		if done != len(names) || done > total {
			t.Errorf("progress %d of %d after %d calls", done, total, len(names))
		}
		names = append(names, name)
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("loaded in %s", time.Since(before).Round(time.Millisecond))
	want := []string{"schema", "all types", "helpers", "users", "tags", "posts", "post_tags", "comments", "orders", "events", "indexes", "statistics", "done"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	for _, tc := range []struct{ name, query, want string }{
		{"users", "SELECT count(*)::text FROM users", "1000"},
		{"posts", "SELECT count(*)::text FROM posts", "5000"},
		{"comments", "SELECT count(*)::text FROM comments", "20000"},
		{"orders", "SELECT count(*)::text FROM orders", "2000"},
		{"an answer is to a comment on the same post", "SELECT count(*)::text FROM comments c JOIN comments p ON p.id = c.parent_id WHERE p.post_id <> c.post_id", "0"},
		{"answers are there", "SELECT (count(parent_id) > 1000)::text FROM comments", "true"},
		{"an order costs what its lines cost", "SELECT count(*)::text FROM orders o WHERE total <> (SELECT sum(quantity * unit_price) FROM order_items WHERE order_id = o.id)", "0"},
		{"every role", "SELECT string_agg(DISTINCT role::text, ' ') FROM users", "admin guest member moderator"},
		{"every partition", "SELECT count(DISTINCT tableoid)::text FROM events", "3"},
		{"the materialised view is filled", "SELECT (count(*) > 10)::text FROM monthly_sales", "true"},
		{"a new key follows the old ones", "INSERT INTO users (name, email) VALUES ('New', 'new@example.com') RETURNING id::text", "1001"},
		{"the trigger sets the time", "UPDATE users SET name = 'Newer' WHERE id = 1001 RETURNING (updated_at > now() - interval '1 minute')::text", "true"},
		{"the session is as before", "SELECT coalesce(nullif(current_setting('sample.users', true), ''), 'none')", "none"},
		{"a function of a row", "SELECT post_word_count(p)::text FROM posts p WHERE id = 1", "34"},
	} {
		if got := value(t, db, tc.query); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// TestSameEverywhere pins the content: results in docs and benchmarks refer to
// these rows, so a change of one must be meant.
func TestSameEverywhere(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t, pgtest.Sample(t))
	want := map[string]string{
		"users":       "e09cb8cafa8ad3aefda40b0a201b79c3",
		"posts":       "06f309b49d1437b1e25a1b3b2dfef94c",
		"comments":    "363a83fcea47d0598e30b6b4614b26d1",
		"orders":      "3b60d06eec1c4c14222fbcb767cb6679",
		"order_items": "84ddb611ed132047612060fa2384144b",
		"post_tags":   "5ecb001ae1a2c9cc47fe2be3af2d4993",
		"events":      "1605d42e94c6b4e9134374cc4a03af48",
	}
	got := map[string]string{}
	for table := range want {
		got[table] = value(t, db, "SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")) FROM "+table+" t")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("content (-want +got):\n%s", diff)
	}
}

// TestEveryType compares all_types with what the server has: a type of a new
// major version must be added or named here.
func TestEveryType(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t, pgtest.Sample(t))
	missing := value(t, db, `
		SELECT coalesce(string_agg(t.typname, ' ' ORDER BY t.typname), '')
		FROM pg_type t
		WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'r', 'm') AND t.typcategory <> 'A'
		AND t.typname NOT IN ('pg_node_tree', 'pg_ndistinct', 'pg_dependencies', 'pg_mcv_list', 'gtsvector', 'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary')
		AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = 'all_types'::regclass AND a.atttypid = t.oid)`)
	if missing != "" && missing != "xml" { // a server may be built without libxml
		t.Errorf("all_types has no column of type %s", missing)
	}
	// A column that no row fills tests nothing.
	empty := value(t, db, `
		SELECT coalesce(string_agg(attname, ' ' ORDER BY attnum), '') FROM pg_attribute
		WHERE attrelid = 'all_types'::regclass AND attnum > 0 AND NOT attisdropped
		AND NOT (SELECT row_to_json(a)::jsonb -> attname::text <> 'null' FROM all_types a WHERE label = 'ordinary')`)
	if empty != "" {
		t.Errorf("the ordinary row has no value in %s", empty)
	}
}

func TestLoadFails(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	db := pgtest.Open(t, dsn)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sample.Load(cancelled, db, sample.Small); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := sample.Load(t.Context(), db, sample.Size{Users: 1, Posts: 1}); err == nil || !strings.Contains(err.Error(), "at least one row") {
		t.Errorf("no comments: %v", err)
	}
	// A name that is taken, late: nothing of what was made before may stay.
	pgtest.Exec(t, dsn, "CREATE VIEW monthly_sales AS SELECT 1 AS month")
	if err := sample.Load(t.Context(), db, sample.Small); err == nil || !strings.Contains(err.Error(), "make schema") {
		t.Errorf("name taken: %v", err)
	}
	if got := value(t, db, "SELECT count(*)::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"); got != "1" {
		t.Errorf("%s relations after a failed load, want the view alone", got)
	}
}

// TestSmallestSize: every formula over the sizes holds at one row.
func TestSmallestSize(t *testing.T) {
	t.Parallel()
	if err := sample.Load(t.Context(), pgtest.Open(t, pgtest.DB(t)), sample.Size{Users: 1, Posts: 1, Comments: 1}); err != nil {
		t.Error(err)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(sample.Size{Users: 100_000, Posts: 1_000_000, Comments: 3_000_000}, sample.Bench.Times(10)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func value(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var v string
	if err := db.QueryRowContext(t.Context(), query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}
