package catalog_test

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/backend/pq"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

//go:embed testdata/shop.sql
var shop string

// backends are both drivers, in every mode: the catalog is read before anything
// else works.
func backends() []backend.Backend {
	all := []backend.Backend{pq.New(), pq.New(pq.WithBinaryParameters(true))}
	for _, m := range pgx.Modes() {
		all = append(all, pgx.New(pgx.WithMode(m)))
	}
	return all
}

// open is a pool on dsn through b.
func open(t testing.TB, b backend.Backend, dsn string) *sql.DB {
	t.Helper()
	cfg, err := backend.ParseDSN(dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Connector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func load(t testing.TB, db catalog.Querier, o ...catalog.Option) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load(context.Background(), db, o...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func loadShop(t *testing.T) *catalog.Catalog {
	t.Helper()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, shop)
	return load(t, open(t, pgx.New(), dsn))
}

func table(t testing.TB, c *catalog.Catalog, name string) *catalog.Table {
	t.Helper()
	tab, err := c.Table(name)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func column(t testing.TB, tab *catalog.Table, name string) *catalog.Column {
	t.Helper()
	c, ok := tab.Column(name)
	if !ok {
		t.Fatalf("%s has no column %q", tab, name)
	}
	return c
}

// Whatever the driver and its mode, one database gives one Catalog.
func TestEveryDriverAgrees(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, shop)
	var first []byte
	for _, b := range backends() {
		c := load(t, open(t, b, dsn))
		got, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got
		}
		if d := cmp.Diff(string(first), string(got)); d != "" {
			t.Errorf("%s differs:\n%s", backend.ModeOf(b), d)
		}
	}
}

func TestRelations(t *testing.T) {
	t.Parallel()
	c := loadShop(t)
	var got []string
	for tab := range c.Tables() {
		var takes []string
		for _, x := range []struct {
			yes  bool
			name string
		}{{tab.Insertable, "insert"}, {tab.Updatable, "update"}, {tab.Deletable, "delete"}} {
			if x.yes {
				takes = append(takes, x.name)
			}
		}
		got = append(got, fmt.Sprintf("%s: %s %v", tab, tab.Kind, takes))
	}
	want := []string{
		`hidden.secret: table [insert update delete]`,
		`odd.schema "x".ta.ble "q": table [insert update delete]`,
		`public.no_columns: table [insert update delete]`,
		`public.points_at_secret: table [insert update delete]`,
		`public.profile: table [insert update delete]`,
		`public.same: table [insert update delete]`,
		`shop.account: table [insert update delete]`,
		`shop.event: partitioned table [insert update delete]`,
		`shop.foreign_table: foreign table []`,
		`shop.note: table [insert update delete]`,
		`shop.same: table [insert update delete]`,
		`shop.simple_view: view [insert update delete]`,
		`shop.stored_view: materialized view []`,
		`shop.sum_view: view []`,
		`shop.tree: table [insert update delete]`,
		`shop.trigger_view: view [insert]`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}

	part := table(t, c, "shop.event_2024")
	if !part.IsPartition || part.Parent != table(t, c, "shop.event") || len(part.ForeignKeys) != 1 || part.PrimaryKey == nil {
		t.Errorf("partition: %+v", part)
	}
	a := table(t, c, "shop.account")
	if a.Comment != "people" || !a.RowSecurity || !a.ForceRowSecurity || a.SQLName() != `"shop"."account"` {
		t.Errorf("account: %+v", a)
	}
	if want := (catalog.Triggers{Before: catalog.OnInsert | catalog.OnUpdate, After: catalog.OnDelete}); a.Triggers != want || !a.HasBeforeTriggers() {
		t.Errorf("triggers: %+v, want %+v (a disabled one does not count)", a.Triggers, want)
	}
	if got := table(t, c, "shop.trigger_view").Triggers.InsteadOf; got != catalog.OnInsert {
		t.Errorf("instead of: %v", got)
	}
	if byOID, ok := c.TableByOID(a.OID); !ok || byOID != a {
		t.Error("TableByOID")
	}
	loud := column(t, table(t, c, "shop.simple_view"), "loud")
	if !loud.ReadOnly || column(t, table(t, c, "shop.simple_view"), "user_name").ReadOnly {
		t.Error("an expression of a view cannot be written, a plain column can")
	}
	if column(t, table(t, c, "shop.trigger_view"), "one").ReadOnly {
		t.Error("an INSTEAD OF trigger takes any column")
	}
}

// line is a column in short.
func line(c *catalog.Column) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s %s", c.Name, c.JSONName, c.TypeName)
	if c.Declared != c.TypeName {
		fmt.Fprintf(&b, " as %s", c.Declared)
	}
	for _, x := range []struct {
		yes  bool
		text string
	}{
		{c.NotNull, "not null"},
		{c.HasDefault, "default"},
		{c.Default != "", c.Default},
		{c.VolatileDefault, "volatile"},
		{c.Identity != 0, "identity " + string(rune(c.Identity))},
		{c.Generated != 0, "generated " + string(rune(c.Generated))},
		{c.ReadOnly, "read only"},
		{c.Collation != "", c.Collation},
		{c.Comment != "", "-- " + c.Comment},
	} {
		if x.yes {
			b.WriteString(" | " + x.text)
		}
	}
	return b.String()
}

func TestColumns(t *testing.T) {
	t.Parallel()
	c := loadShop(t)
	a := table(t, c, "shop.account")
	want := []string{
		`id/id bigint | not null | default | volatile | identity a`,
		`user_name/userName text | not null | default | 'nobody'::text | -- what to call them`,
		`email/email "shop"."work_email" | not null | default | 'a@b'::character varying`,
		`raw_email/rawEmail "shop"."email" | not null`,
		`emails/emails "shop"."email"[]`,
		`mood/mood "shop"."mood" | default | 'ok'::shop.mood`,
		`seen/seen "shop"."stamp" | default | now() | volatile`,
		`made/made timestamp with time zone | not null | default | now() | volatile`,
		`made_too/madeToo timestamp with time zone | default | CURRENT_TIMESTAMP | volatile`,
		`tick/tick integer | default | shop.tick() | volatile`,
		`fixed/fixed integer | default | (shop.fixed() + 1)`,
		`late/late date | default | ('now'::text)::date | volatile`,
		`token/token uuid | default | gen_random_uuid() | volatile`,
		`seq/seq integer | default | nextval('shop.account_seq'::regclass) | volatile`,
		`code/code character varying as character varying(3) | "pg_catalog"."C"`,
		`price/price numeric as numeric(10,2)`,
		`fixed_char/fixedChar bpchar as character(4)`,
		`bits/bits "bit" as bit(3)`,
		`at3/at3 timestamp with time zone as timestamp(3) with time zone`,
		`words/words character varying[] as character varying(5)[]`,
		`place/place "shop"."point3"`,
		`during/during "shop"."span"`,
		`spans/spans "shop"."spans"`,
		`labels/labels "shop"."tags"`,
		`upper_name/upperName text | upper(user_name) | generated s | read only`,
		`_private/_private integer`,
		`select/select integer`,
		`we"ird. näme/we"ird. näme integer`,
		`abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk integer`,
	}
	var got []string
	for _, col := range a.Columns {
		got = append(got, line(col))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if column(t, a, "userName") != column(t, a, "user_name") {
		t.Error("both spellings name one column")
	}
	if _, ok := a.Column("gone"); ok {
		t.Error("a dropped column is there")
	}
	if n := column(t, a, "user_name").Num; n != 3 {
		t.Errorf("number of the column behind the dropped one: %d", n)
	}
	if got := column(t, a, `we"ird. näme`).SQLName(); got != `"we""ird. näme"` {
		t.Error(got)
	}
	if col := column(t, a, "id"); col.Table != a || col.TypeMod != -1 {
		t.Errorf("%+v", col)
	}
}

// A TypeName stands in a cast under any search path, and does not cut values.
func TestTypeNamesCast(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, shop, `CREATE TABLE cuts (a varchar(3), b char(3), c bit(3), d varchar(3)[])`)
	db := open(t, pgx.New(), dsn)
	c := load(t, db)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), `SET search_path = ''`); err != nil {
		t.Fatal(err)
	}
	for tab := range c.Tables() {
		for _, col := range tab.Columns {
			var same bool
			q := fmt.Sprintf(`SELECT $1::text::regtype = $2::text::int8::oid, NULL::%s`, col.TypeName)
			if c.BaseType(col.Type) != col.Type {
				q = `SELECT $1::text::regtype = $2::text::int8::oid, NULL::text` // a domain may refuse NULL
			}
			var null any
			if err := conn.QueryRowContext(t.Context(), q, col.TypeName, fmt.Sprint(col.Type)).Scan(&same, &null); err != nil || !same {
				t.Errorf("%s.%s: %s: %v, %v", tab, col.Name, col.TypeName, same, err)
			}
		}
	}
	for _, cut := range []struct{ column, long string }{{"a", "abcd"}, {"b", "abcd"}, {"c", "1010"}, {"d", "{abcd}"}} {
		col := column(t, table(t, c, "cuts"), cut.column)
		var got string
		q := fmt.Sprintf(`SELECT ($1::%s)::text`, col.TypeName)
		if err := conn.QueryRowContext(t.Context(), q, cut.long).Scan(&got); err != nil || got != cut.long {
			t.Errorf("%s cuts %q to %q, %v", col.TypeName, cut.long, got, err)
		}
	}
}

func keyLine(k *catalog.Key) string {
	var names []string
	for _, c := range k.Columns {
		names = append(names, c.Name)
	}
	return fmt.Sprintf("%s %v total=%v primary=%v constraint=%v nnd=%v deferrable=%v/%v where=%s expr=%s", k.Name, names, k.Total(),
		k.Primary, k.Constraint, k.NullsNotDistinct, k.Deferrable, k.InitiallyDeferred, k.Predicate, k.Expressions)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	c := loadShop(t)
	a := table(t, c, "shop.account")
	got := []string{keyLine(a.PrimaryKey), keyLine(table(t, c, "shop.tree").PrimaryKey)}
	for _, k := range a.Unique {
		got = append(got, keyLine(k))
	}
	want := []string{
		`account_pkey [id] total=true primary=true constraint=true nnd=false deferrable=false/false where= expr=`,
		`tree_pkey [b a] total=true primary=true constraint=true nnd=false deferrable=false/false where= expr=`,
		`account_code_key [code] total=true primary=false constraint=true nnd=false deferrable=true/true where= expr=`,
		`account_lower [code] total=false primary=false constraint=false nnd=false deferrable=false/false where= expr=lower(user_name)`,
		`account_nnd [token] total=true primary=false constraint=false nnd=true deferrable=false/false where= expr=`,
		`account_partial [user_name] total=false primary=false constraint=false nnd=false deferrable=false/false where=(mood = 'ok'::shop.mood) expr=`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var names []string
	for k := range a.Keys() {
		names = append(names, k.Name)
	}
	if d := cmp.Diff([]string{"account_pkey", "account_code_key", "account_nnd"}, names); d != "" {
		t.Errorf("Keys must give only those that pin a row:\n%s", d)
	}
	for range a.Keys() {
		break // an early end must not go on
	}
	for range table(t, c, "public.profile").Keys() {
		break
	}
}

func fkLine(k *catalog.ForeignKey) string {
	var from, to []string
	for i := range k.Columns {
		from, to = append(from, k.Columns[i].Name), append(to, k.RefColumns[i].Name)
	}
	return fmt.Sprintf("%s: %s%v → %s%v delete %s update %s deferrable=%v/%v unique=%v notnull=%v", k.Name, k.Table, from, k.RefTable, to,
		k.OnDelete, k.OnUpdate, k.Deferrable, k.InitiallyDeferred, k.Unique, k.NotNull)
}

func TestForeignKeys(t *testing.T) {
	t.Parallel()
	c := loadShop(t)
	var got []string
	for tab := range c.Tables() {
		for _, k := range tab.ForeignKeys {
			got = append(got, fkLine(k))
			if !slices.Contains(k.RefTable.ReferencedBy, k) {
				t.Errorf("%s is not known at its other end", k.Name)
			}
		}
	}
	want := []string{
		`points_at_secret_id_fkey: public.points_at_secret[id] → hidden.secret[id] delete NO ACTION update NO ACTION deferrable=false/false unique=false notnull=false`,
		`profile_account_id_fkey: public.profile[account_id] → shop.account[id] delete CASCADE update NO ACTION deferrable=false/false unique=true notnull=true`,
		`profile_friend_fkey: public.profile[friend] → shop.account[id] delete RESTRICT update NO ACTION deferrable=false/false unique=false notnull=false`,
		`event_account_fkey: shop.event[account] → shop.account[id] delete NO ACTION update NO ACTION deferrable=false/false unique=false notnull=false`,
		`note_event_id_event_at_fkey: shop.note[event_id event_at] → shop.event[id at] delete NO ACTION update NO ACTION deferrable=false/false unique=false notnull=false`,
		`tree_up: shop.tree[up_a up_b] → shop.tree[a b] delete SET NULL update CASCADE deferrable=true/true unique=false notnull=false`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var incoming []string
	for _, k := range table(t, c, "shop.account").ReferencedBy {
		incoming = append(incoming, k.Name+" of "+k.Table.String())
	}
	if d := cmp.Diff([]string{"profile_account_id_fkey of public.profile", "profile_friend_fkey of public.profile", "event_account_fkey of shop.event"}, incoming); d != "" {
		t.Errorf("incoming, without those of partitions:\n%s", d)
	}
}
