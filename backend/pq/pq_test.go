package pq_test

import (
	"database/sql"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/suite"
	"github.com/fraiseql/fraiseql-go/backend/pq"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestSuite(t *testing.T) {
	t.Parallel()
	for _, b := range []*pq.Backend{pq.New(), pq.New(pq.WithBinaryParameters(true))} {
		t.Run(backend.ModeOf(b), func(t *testing.T) {
			t.Parallel()
			suite.Run(t, b)
		})
	}
}

func TestAllocations(t *testing.T) {
	for _, b := range []*pq.Backend{pq.New(), pq.New(pq.WithBinaryParameters(true))} {
		t.Run(backend.ModeOf(b), func(t *testing.T) { suite.Allocations(t, b) })
	}
}

func TestBind(t *testing.T) {
	t.Parallel()
	b := pq.New()
	for _, v := range []any{nil, "x", []byte("x")} {
		if got, err := b.Bind(v); err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%#v: %#v, %v", v, got, err)
		}
	}
	if got, err := b.Bind([]byte(nil)); got != nil || err != nil {
		t.Errorf("a nil slice: %#v, %v", got, err)
	}
	for _, v := range []any{1, 2.5, true, time.Now(), []string{"x"}, json.RawMessage("1"), sql.NullString{}} {
		if _, err := b.Bind(v); backend.CodeOf(err) != backend.CodeInternal {
			t.Errorf("%T was taken: %v", v, err)
		}
	}
}
