package builder

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/codec"
)

// planRun runs Plans on one connection of one backend, as plainly as can be:
// what the executor does with streams and cursors, done with lists.
type planRun struct {
	b    backend.Backend
	wire backend.WireQuerier
	conn *sql.Conn
}

// onBackend calls f with a connection of a backend, in a transaction that is
// rolled back.
func (l *live) onBackend(t testing.TB, name string, f func(*planRun)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := l.pools[name].Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
			t.Error(err)
		}
	}()
	wire, ok := l.bind[name].(backend.WireQuerier)
	if !ok {
		t.Fatalf("backend %s hands out no wire rows", name)
	}
	f(&planRun{b: l.bind[name], wire: wire, conn: conn})
}

// object is one row of an answer while it is put together.
type object struct {
	json [][]byte // of each column
	text []*string
	ord  string // of the parent key, for nested rows
	body string
}

// answer is the data of p's answer.
func (x *planRun) answer(p *Plan) (string, error) {
	if p.Result {
		return "done", x.exec(&p.Root.Statement)
	}
	rows, err := x.node(&p.Root, nil, 0)
	if err != nil {
		return "", err
	}
	if p.Reverse {
		for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
			rows[i], rows[j] = rows[j], rows[i]
		}
	}
	if p.Single {
		if len(rows) == 0 {
			return "null", nil
		}
		if len(rows) > 1 {
			return "", fmt.Errorf("%d rows for a single answer", len(rows))
		}
		return rows[0].body, nil
	}
	return list(rows, ",\n"), nil
}

func list(rows []*object, sep string) string {
	parts := make([]string, len(rows))
	for i, r := range rows {
		parts[i] = r.body
	}
	return "[" + strings.Join(parts, sep) + "]"
}

// node runs one level and everything below it. keys replace the statement's
// first arguments.
func (x *planRun) node(n *Node, keys []any, skip int) ([]*object, error) {
	st := n.Statement
	args := append(append([]any{}, keys...), st.Args[len(keys):]...)
	rows, err := x.rows(&st, args)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s\n%q", err, st.SQL, args)
	}
	children := make([]map[string][]*object, len(n.Children))
	for i := range n.Children {
		if children[i], err = x.child(&n.Children[i], rows); err != nil {
			return nil, err
		}
	}
	for _, r := range rows {
		if skip > 0 {
			r.ord = *r.text[0]
		}
		if r.body, err = bodyOf(n, n.Members, r, children); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// bodyOf is one row as an object of members.
func bodyOf(n *Node, members []Member, r *object, children []map[string][]*object) (string, error) {
	var list []string
	for _, m := range members {
		v, err := valueOf(n, &m, r, children)
		if err != nil {
			return "", err
		}
		list = append(list, fmt.Sprintf("%q:%s", m.Key, v))
	}
	return "{" + strings.Join(list, ",") + "}", nil
}

func valueOf(n *Node, m *Member, r *object, children []map[string][]*object) (string, error) {
	switch {
	case m.Object != nil:
		return bodyOf(n, m.Object, r, children)
	case m.Literal != nil:
		return string(m.Literal), nil
	case m.Cursor != nil:
		var values []string
		for _, i := range m.Cursor {
			values = append(values, string(r.json[i]))
		}
		return fmt.Sprintf("%q", base64.RawURLEncoding.EncodeToString([]byte("["+strings.Join(values, ",")+"]"))), nil
	case m.Child < 0:
		return string(r.json[m.Column]), nil
	}
	c := &n.Children[m.Child]
	of := children[m.Child][keyOf(r, c.Keys)]
	switch {
	case c.Many:
		return list(of, ","), nil
	case len(of) == 0:
		return "null", nil
	case len(of) == 1:
		return of[0].body, nil
	}
	return "", fmt.Errorf("%d rows for a to-one relation", len(of))
}

// keyOf is the parent's key as one text; "" where a part of it is NULL.
func keyOf(r *object, keys []int) string {
	var b strings.Builder
	for _, k := range keys {
		if r.text[k] == nil {
			return ""
		}
		fmt.Fprintf(&b, "%q", *r.text[k])
	}
	return b.String()
}

// child runs a nested level for all parents and gives its rows by parent key.
func (x *planRun) child(c *Child, parents []*object) (map[string][]*object, error) {
	columns := make([][]any, len(c.Keys))
	var order []string
	seen := map[string]bool{"": true}
	for _, p := range parents {
		key := keyOf(p, c.Keys)
		if seen[key] {
			continue
		}
		seen[key] = true
		order = append(order, key)
		for i, k := range c.Keys {
			columns[i] = append(columns[i], *p.text[k])
		}
	}
	args := make([]any, len(columns))
	for i, elems := range columns {
		if c.Node.Statement.Args[i] != nil {
			return nil, fmt.Errorf("argument %d of a nested statement is not left to the executor", i+1)
		}
		text, err := arrayLiteral(elems, ',')
		if err != nil {
			return nil, err
		}
		args[i] = text
	}
	rows, err := x.node(&c.Node, args, 1)
	if err != nil {
		return nil, err
	}
	out := map[string][]*object{}
	last := 0
	for _, r := range rows {
		var ord int
		if _, err := fmt.Sscan(r.ord, &ord); err != nil || ord < last || ord > len(order) {
			return nil, fmt.Errorf("position %q after %d", r.ord, last)
		}
		last = ord
		out[order[ord-1]] = append(out[order[ord-1]], r)
	}
	return out, nil
}

// exec runs a statement whose rows nobody wants.
func (x *planRun) exec(st *Statement) error {
	bound := make([]any, len(st.Args))
	for i, a := range st.Args {
		var err error
		if bound[i], err = x.b.Bind(a); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := x.conn.ExecContext(ctx, st.SQL, bound...)
	return err
}

// rows runs one statement and checks its columns against what the server says.
func (x *planRun) rows(st *Statement, args []any) ([]*object, error) {
	bound := make([]any, len(args))
	for i, a := range args {
		var err error
		if bound[i], err = x.b.Bind(a); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	rows, err := x.wire.QueryWire(ctx, x.conn, st.SQL, bound)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	cols := rows.Columns()
	if len(cols) != len(st.Columns) {
		return nil, fmt.Errorf("%d columns come, %d were planned", len(cols), len(st.Columns))
	}
	for i, c := range cols {
		if want := st.Columns[i]; c.OID != want.Type.Base().OID() && c.OID != want.Type.OID() || c.Name != want.Name {
			return nil, fmt.Errorf("column %d is %s of type %d, planned was %s of %s", i, c.Name, c.OID, want.Name, want.Type)
		}
	}
	var out []*object
	for rows.Next() {
		r := &object{json: make([][]byte, len(cols)), text: make([]*string, len(cols))}
		for i, v := range rows.Values() {
			typ, format := st.Columns[i].Type, codec.Format(cols[i].Format)
			if r.json[i], err = typ.AppendJSON(nil, v, format); err != nil {
				return nil, err
			}
			if v != nil {
				text, err := typ.AppendText(nil, v, format)
				if err != nil {
					return nil, err
				}
				s := string(text)
				r.text[i] = &s
			}
		}
		out = append(out, r)
	}
	return out, rows.Err()
}
