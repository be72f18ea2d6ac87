package generate

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// Values are values of columns, as JSON, that are in the rows of a database.
type Values map[*catalog.Column][]json.RawMessage

// Querier is *sql.DB, *sql.Conn or *sql.Tx.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// maxValue is the longest value that is taken, in bytes: a filter by a document of a
// megabyte finds nothing that one by a short one does not.
const maxValue = 4096

// Sample reads up to n rows of each table that the role may read, for their values.
func Sample(ctx context.Context, db Querier, cat *catalog.Catalog, n int) (Values, error) {
	values := make(Values)
	for t := range cat.Tables() {
		var columns []*catalog.Column
		var list []string
		for _, c := range t.Columns {
			if t.CanSelect && c.CanSelect {
				columns = append(columns, c)
				list = append(list, "pg_catalog.to_json(t."+c.SQLName()+")::text")
			}
		}
		if len(list) == 0 || t.Kind == catalog.RowType || t.Kind == catalog.ForeignTable {
			continue
		}
		query := fmt.Sprintf("select %s from %s.%s as t limit %d", strings.Join(list, ", "), quote(t.Schema), quote(t.Name), n)
		if err := values.read(ctx, db, query, columns); err != nil {
			return nil, fmt.Errorf("sample %s.%s: %w", t.Schema, t.Name, err)
		}
	}
	return values, nil
}

func (v Values) read(ctx context.Context, db Querier, query string, columns []*catalog.Column) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // its error is that of rows.Err
	cells := make([]*string, len(columns))
	to := make([]any, len(columns))
	for i := range cells {
		to[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		for i, c := range columns {
			if cells[i] != nil && len(*cells[i]) <= maxValue && *cells[i] != "null" && speakable(*cells[i]) {
				v[c] = append(v[c], json.RawMessage(*cells[i]))
			}
		}
	}
	return rows.Err()
}

// speakable says that a definition may hold the value: documents in rows may be
// nested deeper than a definition has room for, or have a key twice.
func speakable(value string) bool {
	_, err := builder.ParseDefinition([]byte(`{"operation":"mutation","type":"insert","table":"t","input":{"v":[[[` + value + `]]]}}`))
	return err == nil
}

// edges are values at the edges of the families of types, as JSON.
var edges = []struct {
	kinds  codec.Kind
	values []string
}{
	{codec.KindBool, []string{"true", "false"}},
	{codec.KindInt, []string{"0", "1", "-1", "32767", "-32768"}},
	{codec.KindFloat, []string{"0", "-0.0", "0.1", "1e-7", "123456.789", `"NaN"`, `"Infinity"`}},
	{codec.KindNumeric, []string{"0", "0.00", "1.10", "-99999999999999999999.5", "1e-20", `"NaN"`}},
	{codec.KindText, []string{`""`, `"a"`, `"%"`, `"_"`, `"\\"`, `"é"`, `"O'Hara"`, `"a,b"`, `"NULL"`, `"{}"`, `"\""`}},
	{codec.KindDate, []string{`"2024-02-29"`, `"infinity"`, `"0044-03-15 BC"`, `"9999-12-31"`}},
	{codec.KindTimestamp, []string{`"2024-02-29T12:34:56.789012"`, `"infinity"`, `"1999-12-31T23:59:59.999999"`}},
	{codec.KindTime, []string{`"00:00:00"`, `"23:59:59.999999"`}},
	{codec.KindInterval, []string{`"1 mon"`, `"30 days"`, `"-00:00:00.000001"`}},
	{codec.KindUUID, []string{`"00000000-0000-0000-0000-000000000000"`}},
	{codec.KindBytes, []string{`"\\x"`, `"\\x00ff"`}},
	{codec.KindJSON | codec.KindJSONB, []string{`{}`, `[]`, `{"a":null}`, `[1,"2",null]`, `"x"`, `1.10`}},
	{codec.KindArray, []string{`[]`}},
	{codec.KindRange, []string{`"empty"`}},
	{codec.KindMultirange, []string{`"{}"`}},
}

// edgesOf are the values at the edges of typ.
func edgesOf(typ *codec.Type) []json.RawMessage {
	if typ.Base().Name() == "char" { // one byte, unlike all other texts
		return []json.RawMessage{json.RawMessage(`""`), json.RawMessage(`"a"`)}
	}
	var list []json.RawMessage
	for _, e := range edges {
		if typ.Base().Kind().Has(e.kinds) {
			for _, v := range e.values {
				list = append(list, json.RawMessage(v))
			}
		}
	}
	return list
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
