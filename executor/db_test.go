package executor_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestQueryStreamsRows(t *testing.T) {
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db := open(t, b, pgtest.DB(t))
		rows, err := db.Query(t.Context(), read("select i, 'n' || i as name, null::int as none from generate_series(1::int8, 3) i where i >= $1::int8", "2"))
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for row, err := range rows.All() {
			if err != nil {
				t.Fatal(err)
			}
			if got, err = row.AppendJSON(got); err != nil {
				t.Fatal(err)
			}
		}
		want := `{"i":2,"name":"n2","none":null}{"i":3,"name":"n3","none":null}`
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Error(diff)
		}
		if n := db.Stats().InUse; n != 0 {
			t.Errorf("%d connections in use after the rows ended", n)
		}
	})
}
