package parity

import (
	"context"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
)

// What a database has of its own, and another that began alike has not.

// firstOwn is the first OID that the server gives out (FirstNormalObjectId in
// access/transam.h).
const firstOwn = 16384

// IsOwn says that values of a type, by its OID, are numbers which each database gives by itself, of
// transactions and of places in its log.
func IsOwn(typ uint32) bool {
	switch typ {
	case 28, 5069, 3220: // xid, xid8, pg_lsn
		return true
	}
	return false
}

// own says whether the cells a (control) and b (candidate) of a column, which differ, are
// the same thing of each database.
func (c *comparison) own(statement string, col builder.Column, a, b string) bool {
	x, ok := strings.CutPrefix(a, "v")
	y, ok2 := strings.CutPrefix(b, "v")
	if !ok || !ok2 {
		return false
	}
	if names := c.apart.names; x == names[0] && y == names[1] && x != "" {
		return true
	}
	typ := col.Type.Base().OID()
	return (IsOwn(typ) || typ == 26 && isOwnOID(x) && isOwnOID(y)) && c.owned.match(a, b, columnName{statement, col.Name})
}

func isOwnOID(text string) bool {
	n, err := strconv.ParseUint(text, 10, 32)
	return err == nil && n >= firstOwn
}

// sameColumn compares columns whose types may have been made in each database: nobody
// here knows them by name, and their numbers differ.
func sameColumn(a, b builder.Column) bool {
	if a.Name != b.Name {
		return false
	}
	return a.Type.String() == b.Type.String() || nameless(a.Type) && nameless(b.Type)
}

func nameless(t *codec.Type) bool {
	return t != nil && t.OID() >= firstOwn && t.String() == "type "+strconv.FormatUint(uint64(t.OID()), 10)
}

// introduce asks both databases for their names, once.
func (a *apart) introduce(ctx context.Context, control, candidate executor.Runner) {
	a.asking.Lock()
	defer a.asking.Unlock()
	if a.names[0] != "" {
		return
	}
	var names [2]string
	for i, r := range []executor.Runner{control, candidate} {
		err := contained(func() (err error) {
			names[i], err = databaseOf(ctx, r)
			return err
		})
		if err != nil {
			return // what it was asked for will say so too
		}
	}
	a.names = names
}

func databaseOf(ctx context.Context, r executor.Runner) (name string, err error) {
	rows, err := r.Query(ctx, &builder.Statement{Name: "name of the database", SQL: "select pg_catalog.current_database()::text", Effect: builder.Read})
	if err != nil {
		return "", err
	}
	for rows.Next() {
		name = string(rows.Values()[0])
	}
	if err := rows.Err(); err != nil {
		_ = rows.Close()
		return "", err
	}
	return name, rows.Close()
}
