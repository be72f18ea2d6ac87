package generate

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
)

// Oracle checks one backend against itself. A finding is a *FindingError; other errors
// are those of the statements.
type Oracle struct {
	DB     executor.Runner
	Schema *builder.Schema
}

// FindingError is what an oracle found: an answer that contradicts another of the same
// backend, in one snapshot.
type FindingError struct {
	Oracle string // "partition" or "predicate"
	Detail string // numbers of rows; no values
}

// Error says what contradicts what.
func (f *FindingError) Error() string { return f.Oracle + " oracle: " + f.Detail }

// ErrNotAsked says that an oracle has nothing to say of a definition: it is no agreement.
var ErrNotAsked = errors.New("the oracle has nothing to say of this definition")

// Partition checks ternary logic partitioning for the filter of a query: the rows
// for which it is true, those for which it is false and those for which it is
// unknown are, together and each once, the rows of the table. What definition sorts,
// pages and nests is left out. It is ErrNotAsked of a definition without a filter, and of
// rows that are others each time (a view with random values).
//
// Source: Rigger and Su, "Finding Bugs in Database Systems via Query Partitioning", 2020.
func (o *Oracle) Partition(ctx context.Context, definition json.RawMessage) error {
	def, err := builder.ParseDefinition(definition)
	if err != nil {
		return err
	}
	if def.Filter == nil || def.Kind != builder.Query {
		return ErrNotAsked
	}
	p := def.Filter
	return o.DB.InTx(ctx, readOnly(), func(ctx context.Context, tx executor.Runner) error {
		all, err := o.rows(ctx, tx, def.Table, nil)
		if err != nil {
			return err
		}
		parts := make(map[string]int)
		var sizes [3]int
		for i, f := range []*builder.Filter{p, {Not: p}, {Unknown: p}} {
			rows, err := o.rows(ctx, tx, def.Table, f)
			if err != nil {
				return err
			}
			for row, n := range rows {
				parts[row] += n
				sizes[i] += n
			}
		}
		again, err := o.rows(ctx, tx, def.Table, nil)
		if err != nil {
			return err
		}
		if !maps.Equal(all, again) {
			return ErrNotAsked
		}
		total := 0
		for _, n := range all {
			total += n
		}
		for row, n := range all {
			if parts[row] != n {
				return &FindingError{"partition", fmt.Sprintf("of %d rows the filter is true for %d, false for %d and unknown for %d; one row is in %d of these instead of %d", total, sizes[0], sizes[1], sizes[2], parts[row], n)}
			}
		}
		if sum := sizes[0] + sizes[1] + sizes[2]; sum != total {
			return &FindingError{"partition", fmt.Sprintf("the table has %d rows, its three parts have %d + %d + %d", total, sizes[0], sizes[1], sizes[2])}
		}
		return nil
	})
}

// Predicate checks that a filter means the same in a query, in an update and in a
// delete: each has to find the same rows of one snapshot. Everything is rolled back. It is
// ErrNotAsked of tables that can't be written, whose constraints forbid both, or whose
// BEFORE triggers or policies may have a say in which rows a statement finds.
//
// Source: SQLancer's differential query execution.
func (o *Oracle) Predicate(ctx context.Context, definition json.RawMessage) error {
	def, err := builder.ParseDefinition(definition)
	if err != nil {
		return err
	}
	t, err := o.Schema.Catalog().Table(def.Table)
	if err != nil || def.Filter == nil || def.Kind != builder.Query || t.PrimaryKey == nil || !t.CanDelete || !t.CanUpdate || t.HasBeforeTriggers() || t.RowSecurity {
		return ErrNotAsked // what does not exist is for the caller to find
	}
	compared := false
	err = o.DB.InTx(ctx, &executor.TxOptions{Isolation: sql.LevelRepeatableRead}, func(ctx context.Context, tx executor.Runner) error {
		want, err := o.rows(ctx, tx, def.Table, def.Filter)
		if err != nil {
			return err
		}
		for _, w := range writes(t, def.Filter) {
			got, ok := o.tried(ctx, tx, w.def)
			if !ok {
				continue // a constraint forbids it, or another transaction: nothing can be compared
			}
			compared = true
			if !maps.Equal(want, got) {
				return &FindingError{"predicate", fmt.Sprintf("a query finds %d rows and %s %d, or others", len(want), w.verb, len(got))}
			}
		}
		return errLookedAt
	})
	switch {
	case !errors.Is(err, errLookedAt):
		return err
	case !compared:
		return ErrNotAsked
	}
	return nil
}

// errLookedAt ends what is always rolled back.
var errLookedAt = errors.New("everything was looked at")

// tried is what a write would return.
func (o *Oracle) tried(ctx context.Context, tx executor.Runner, d *builder.Definition) (got map[string]int, ok bool) {
	err := tx.InTx(ctx, nil, func(ctx context.Context, tx executor.Runner) error {
		var err error
		if got, err = o.answer(ctx, tx, d); err != nil {
			return err
		}
		return errLookedAt
	})
	return got, errors.Is(err, errLookedAt)
}

// trial is a write that returns the keys of the rows that its filter finds.
type trial struct {
	def  *builder.Definition
	verb string
}

// writes are an update, where there is a column that may be set to anything, and a
// delete.
func writes(t *catalog.Table, f *builder.Filter) []trial {
	key := t.PrimaryKey.Columns
	list := []trial{{&builder.Definition{Kind: builder.Delete, Table: tableText(t), Filter: f, Fields: fieldsOf(key)}, "a delete"}}
	for _, c := range t.Columns {
		if c.CanUpdate && !c.ReadOnly && c.Generated == 0 && c.Identity == 0 && !c.NotNull && !slices.Contains(key, c) {
			input := []builder.Input{{Sets: []builder.Set{{Field: c.Name, Value: json.RawMessage("null")}}}}
			return append(list, trial{&builder.Definition{Kind: builder.Update, Table: tableText(t), Filter: f, Fields: fieldsOf(key), Input: input}, "an update"})
		}
	}
	return list
}

func tableText(t *catalog.Table) string { return quote(t.Schema) + "." + quote(t.Name) }

func readOnly() *executor.TxOptions {
	return &executor.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
}

// rows are the rows of a table that a filter finds, by their key, else by all
// columns, and how often each is there.
func (o *Oracle) rows(ctx context.Context, tx executor.Runner, table string, f *builder.Filter) (map[string]int, error) {
	d := &builder.Definition{Kind: builder.Query, Table: table, Filter: f}
	if t, err := o.Schema.Catalog().Table(table); err == nil && t.PrimaryKey != nil {
		d.Fields = fieldsOf(t.PrimaryKey.Columns)
	}
	return o.answer(ctx, tx, d)
}

// answer runs d and counts the objects of its answer.
func (o *Oracle) answer(ctx context.Context, tx executor.Runner, d *builder.Definition) (map[string]int, error) {
	var w bytes.Buffer
	if err := executor.Execute(ctx, tx, o.Schema, d, &w); err != nil {
		return nil, err
	}
	var answer struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(w.Bytes(), &answer); err != nil {
		return nil, err
	}
	rows := make(map[string]int)
	switch answer.Data[0] {
	case '[':
		var list []json.RawMessage
		if err := json.Unmarshal(answer.Data, &list); err != nil {
			return nil, err
		}
		for _, row := range list {
			rows[string(row)]++
		}
	case '{': // of a filter that pins a key
		rows[string(answer.Data)]++
	}
	return rows, nil
}

func fieldsOf(columns []*catalog.Column) []builder.Field {
	fields := make([]builder.Field, len(columns))
	for i, c := range columns {
		fields[i] = builder.Field{Name: c.Name}
	}
	return fields
}
