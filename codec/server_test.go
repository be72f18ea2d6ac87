package codec_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// server is one connection that hands out wire values in the format asked for,
// which database/sql does not.
type server struct {
	t    testing.TB
	conn *pgconn.PgConn
}

// session is what backends pin (see the package comment of codec).
var session = []string{
	"timezone=UTC", "datestyle='ISO, MDY'", "intervalstyle=postgres", "bytea_output=hex",
	"extra_float_digits=1", "lc_monetary='C'", "client_encoding=UTF8",
}

func newServer(t testing.TB, setup ...string) *server {
	t.Helper()
	return connectTo(t, pgtest.DB(t), setup...)
}

func connectTo(t testing.TB, dsn string, setup ...string) *server {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	s := &server{t: t, conn: conn}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := conn.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	for _, set := range session {
		s.exec("set " + set)
	}
	for _, sql := range setup {
		s.exec(sql)
	}
	return s
}

// in is s for a subtest.
func (s *server) in(t testing.TB) *server {
	t.Helper()
	return &server{t: t, conn: s.conn}
}

func (s *server) exec(sql string) {
	s.t.Helper()
	if _, err := s.conn.Exec(s.t.Context(), sql).ReadAll(); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}

// rows runs one statement with text arguments (nil is NULL) and gives its cells
// in format f.
func (s *server) rows(f codec.Format, sql string, args ...[]byte) ([][][]byte, error) {
	r := s.conn.ExecParams(s.t.Context(), sql, args, nil, nil, []int16{int16(f)}).Read()
	if r.Err != nil {
		return nil, fmt.Errorf("%s: %w", sql, r.Err)
	}
	return r.Rows, nil
}

func (s *server) mustRows(f codec.Format, sql string, args ...[]byte) [][][]byte {
	s.t.Helper()
	rows, err := s.rows(f, sql, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return rows
}

// types reads what NewRegistry wants from the server's catalog, and the OID of
// each type by its format_type name.
func (s *server) types() (infos []codec.TypeInfo, oids map[string]uint32) {
	s.t.Helper()
	number := func(b []byte) uint32 {
		n, err := strconv.ParseUint(string(b), 10, 32)
		if err != nil {
			s.t.Fatalf("%q: %v", b, err)
		}
		return uint32(n)
	}
	oids = map[string]uint32{}
	at := map[uint32]int{}
	for _, r := range s.mustRows(codec.Text, `
		select t.oid, n.nspname, t.typname, t.typtype,
			case when t.typcategory = 'A' then t.typelem else 0 end,
			case t.typtype when 'd' then t.typbasetype
				when 'r' then (select rngsubtype from pg_range where rngtypid = t.oid)
				when 'm' then (select rngtypid from pg_range where rngmultitypid = t.oid)
				else 0 end,
			t.typdelim, t.typnotnull, format_type(t.oid, null)
		from pg_type t join pg_namespace n on n.oid = t.typnamespace`) {
		info := codec.TypeInfo{
			OID: number(r[0]), Schema: string(r[1]), Name: string(r[2]), Kind: r[3][0],
			Elem: number(r[4]), Base: number(r[5]), Delim: r[6][0], NotNull: string(r[7]) == "t",
		}
		at[info.OID] = len(infos)
		infos = append(infos, info)
		oids[string(r[8])] = info.OID
	}
	for _, r := range s.mustRows(codec.Text, `select enumtypid, enumlabel from pg_enum order by enumtypid, enumsortorder`) {
		info := &infos[at[number(r[0])]]
		info.Labels = append(info.Labels, string(r[1]))
	}
	for _, r := range s.mustRows(codec.Text, `
		select c.reltype, a.attname, a.atttypid from pg_class c join pg_attribute a on a.attrelid = c.oid
		where c.reltype <> 0 and a.attnum > 0 and not a.attisdropped order by c.reltype, a.attnum`) {
		info := &infos[at[number(r[0])]]
		info.Fields = append(info.Fields, codec.FieldInfo{Name: string(r[1]), OID: number(r[2])})
	}
	return infos, oids
}

// registry makes a registry of the server's types.
func (s *server) registry(o codec.Options) (*codec.Registry, map[string]uint32) {
	s.t.Helper()
	infos, oids := s.types()
	r, err := codec.NewRegistry(infos, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return r, oids
}

// observation is one value as the server shows it in every form.
type observation struct {
	json         string // to_json(v)::text, null for NULL
	text, binary []byte // wire values
}

// observe asks for the values of exprs, each of the SQL type typ, in one
// statement per format. Where the type has no binary form the server refuses,
// and binary stays nil.
func (s *server) observe(typ *codec.Type, exprs []string) []observation {
	s.t.Helper()
	from := "from (values (1, " + strings.Join(numbered(exprs), "), (") + ")) x(n, v) order by n"
	out := make([]observation, len(exprs))
	for i, r := range s.mustRows(codec.Text, "select coalesce(to_json(v)::text, 'null'), v "+from) {
		out[i].json, out[i].text = string(r[0]), r[1]
	}
	if typ.HasBinary() {
		for i, r := range s.mustRows(codec.Binary, "select v "+from) {
			out[i].binary = r[0]
		}
	}
	return out
}

func numbered(exprs []string) []string {
	out := make([]string, len(exprs))
	for i, e := range exprs {
		if out[i] = e; i > 0 {
			out[i] = strconv.Itoa(i+1) + ", " + e
		}
	}
	return out
}

// literal quotes s as an SQL string of a type.
func literal(s, typ string) string {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'::" + typ
}

// failer is what *testing.T and *rapid.T share.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
}

// check compares all that t says of one observation with the server's word.
func check(t failer, typ *codec.Type, expr string, o observation) {
	t.Helper()
	short := expr
	if len(short) > 200 {
		short = short[:200] + "…"
	}
	equal := func(what string, got []byte, err error, want string) {
		t.Helper()
		if err != nil || string(got) != want {
			t.Errorf("%s of %s\n got %.300q, %v\nwant %.300q", what, short, got, err, want)
		}
	}
	head := []byte("head") // what is in dst already has to stay
	got, err := typ.AppendJSON(head, o.text, codec.Text)
	equal("JSON from text", got, err, "head"+o.json)
	if o.text != nil {
		got, err = typ.AppendText(head, o.text, codec.Text)
		equal("text from text", got, err, "head"+string(o.text))
	}
	if !typ.HasBinary() {
		return
	}
	got, err = typ.AppendJSON(head, o.binary, codec.Binary)
	equal("JSON from binary", got, err, "head"+o.json)
	if o.text != nil {
		got, err = typ.AppendText(head, o.binary, codec.Binary)
		equal("text from binary", got, err, "head"+string(o.text))
	}
	canonical, err1 := typ.AppendCanonical(nil, o.text, codec.Text)
	got, err2 := typ.AppendCanonical(nil, o.binary, codec.Binary)
	if err1 != nil || err2 != nil || string(got) != string(canonical) {
		t.Errorf("canonical form of %s differs: %.300q, %v; %.300q, %v", short, canonical, err1, got, err2)
	}
}
