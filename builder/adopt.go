package builder

import (
	"fmt"
	"strconv"

	"github.com/Masterminds/squirrel"
)

// From adopts a statement that any squirrel builder made: for what definitions
// do not say. Placeholders are squirrel's question marks; leave the builder's
// PlaceholderFormat as it is. name labels the statement in logs.
//
// Arguments are taken as Raw takes them. Columns is nil: the executor learns
// them from the server. Ordered is false. With e Write the executor runs the
// statement in a transaction; Read promises that it changes nothing.
func From(name string, e Effect, s squirrel.Sqlizer) (Statement, error) {
	if s == nil {
		return Statement{}, fmt.Errorf("adopt %s: no statement", name)
	}
	sql, args, err := s.ToSql()
	if err != nil {
		return Statement{}, fmt.Errorf("adopt %s: %w", name, err)
	}
	if args, err = canonicalArgs(name, args); err != nil {
		return Statement{}, err
	}
	return finish(name, e, expression{sql, args})
}

// Raw adopts SQL text with placeholders $1..$n.
//
// An argument goes to the server as text and is read there as the type that the
// statement gives its placeholder, so write casts where more than one type
// would do: $1::int8. Taken are nil, string, []byte (for bytea only), bool,
// every integer and float type; pass anything else, such as a time.Time or a
// decimal, as the string that PostgreSQL reads. Values are never put into sql.
func Raw(name string, e Effect, sql string, args ...any) (Statement, error) {
	if sql == "" {
		return Statement{}, fmt.Errorf("adopt %s: no statement", name)
	}
	if len(args) > maxArgs {
		return Statement{}, fmt.Errorf("adopt %s: %d parameters; PostgreSQL takes %d", name, len(args), maxArgs)
	}
	args, err := canonicalArgs(name, args)
	if err != nil {
		return Statement{}, err
	}
	return Statement{Name: name, SQL: sql, Args: args, Effect: e}, nil
}

// canonicalArgs is args as nil, string or []byte. Named types are refused: the
// drivers do not agree on what they mean.
func canonicalArgs(name string, args []any) ([]any, error) {
	if len(args) == 0 {
		return nil, nil
	}
	out := make([]any, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case nil, string:
			out[i] = v
		case []byte:
			if v != nil { // a nil slice is NULL, an empty one an empty value
				out[i] = append([]byte{}, v...)
			}
		case bool:
			out[i] = strconv.FormatBool(v)
		case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
			out[i] = fmt.Sprintf("%d", v)
		case float32:
			out[i] = floatText(float64(v), 32)
		case float64:
			out[i] = floatText(v, 64)
		default:
			return nil, fmt.Errorf("adopt %s: argument %d has Go type %T; want nil, string, []byte, bool, an integer or a float", name, i+1, a)
		}
	}
	return out, nil
}

// floatText is v as PostgreSQL reads it: NaN, +Inf and -Inf are among its words.
func floatText(v float64, size int) string { return strconv.FormatFloat(v, 'g', -1, size) }

func itoa(n int) string { return strconv.Itoa(n) }
