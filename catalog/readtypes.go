package catalog

import (
	"context"
	"encoding/json"
	"fmt"
)

func (l *loader) readTypes(ctx context.Context, query string) error {
	var oid, elem, array, base, mod, dims, table int64
	var kind, category, delim, sqlName, labels, fields string
	var t Type
	return l.each(ctx, query, func() error {
		found := t
		found.OID, found.Elem, found.Array, found.Base = uint32(oid), uint32(elem), uint32(array), uint32(base)
		found.BaseTypeMod, found.Dims, found.Table = int(mod), int(dims), uint32(table)
		found.Kind, found.Category, found.Delim = firstByte(kind), firstByte(category), firstByte(delim)
		found.SQLName = sqlName
		if labels != "" {
			if err := json.Unmarshal([]byte(labels), &found.Labels); err != nil {
				return fmt.Errorf("labels of %q: %w", t.Name, err)
			}
		}
		if fields != "" {
			var all []struct {
				Name    string `json:"name"`
				Type    uint32 `json:"type"`
				Dims    int    `json:"dims"`
				Comment string `json:"comment"`
			}
			if err := json.Unmarshal([]byte(fields), &all); err != nil {
				return fmt.Errorf("fields of %q: %w", t.Name, err)
			}
			for _, f := range all {
				found.Fields = append(found.Fields, TypeField(f))
			}
		}
		if r := l.tables[found.Table]; r != nil {
			for _, c := range r.all {
				found.Fields = append(found.Fields, TypeField{c.Name, c.Type, c.Dims, c.Comment})
			}
		}
		l.cat.types[found.OID] = &found
		l.cat.typeList = append(l.cat.typeList, &found)
		l.cat.typeName[qualified{found.Schema, found.Name}] = &found
		return nil
	}, &oid, &t.Schema, &t.Name, &kind, &category, &elem, &array, &base, &mod, &dims, &delim, &t.NotNull, &table,
		&sqlName, &labels, &fields, &t.Default, &t.VolatileDefault, &t.Comment, &t.Extension)
}

// voidOID is what pg_proc says that a procedure without OUT arguments returns.
const voidOID = 2278

func (l *loader) readFunctions(ctx context.Context, query string) error {
	var oid, schema, returns, defaults int64
	var volatility, types, modes, names, texts string
	var f Function
	return l.each(ctx, query, func() error {
		found := f
		found.OID, found.Schema, found.Returns = uint32(oid), l.schemas[uint32(schema)], uint32(returns)
		found.Volatility = firstByte(volatility)
		if found.Procedure && found.Returns == voidOID {
			found.Returns = 0
		}
		found.sqlName = QuoteIdent(found.Schema) + "." + QuoteIdent(found.Name)
		args, err := arguments(types, modes, names, texts, int(defaults))
		if err != nil {
			return fmt.Errorf("arguments of %q: %w", f.Name, err)
		}
		found.Args = args
		l.cat.functions = append(l.cat.functions, &found)
		return nil
	}, &oid, &schema, &f.Name, &f.Procedure, &returns, &f.ReturnsSet, &volatility, &f.Strict, &f.SecurityDefiner,
		&types, &modes, &names, &defaults, &texts, &f.Comment, &f.Extension)
}

// arguments puts together what pg_proc keeps in several columns. No modes means
// that all are input; the defaults belong to the last input arguments.
func arguments(types, modes, names, texts string, defaults int) ([]Arg, error) {
	oids, err := numbers(types)
	if err != nil {
		return nil, err
	}
	var named, text []string
	if err := json.Unmarshal([]byte(names), &named); err != nil {
		return nil, fmt.Errorf("names: %w", err)
	}
	if err := json.Unmarshal([]byte(texts), &text); err != nil {
		return nil, fmt.Errorf("defaults: %w", err)
	}
	args := make([]Arg, len(oids))
	for i, oid := range oids {
		args[i] = Arg{Type: uint32(oid), Mode: 'i'}
		if i < len(modes) {
			args[i].Mode = modes[i]
		}
		if i < len(named) {
			args[i].Name = named[i]
		}
	}
	for i := len(args) - 1; i >= 0 && defaults > 0; i-- {
		if !args[i].Input() {
			continue
		}
		args[i].HasDefault = true
		if i < len(text) {
			args[i].Default = text[i]
		}
		defaults--
	}
	return args, nil
}
