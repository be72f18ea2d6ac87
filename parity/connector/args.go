package connector

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
)

// arg is an argument on its way through database/sql: what the caller gave, for
// the candidate, and what the control makes of it.
type arg struct {
	original any
	control  driver.Value
	refused  error // by the control's conversion; told where there is no other
}

// forControl are args as the control's driver is to get them.
func forControl(args []driver.NamedValue) []driver.NamedValue {
	return mapArgs(args, func(a arg) any { return a.control })
}

// originals are args as the caller gave them.
func originals(args []driver.NamedValue) []driver.NamedValue {
	return mapArgs(args, func(a arg) any { return a.original })
}

func mapArgs(args []driver.NamedValue, pick func(arg) any) []driver.NamedValue {
	if len(args) == 0 {
		return args
	}
	out := make([]driver.NamedValue, len(args))
	for i, nv := range args {
		if a, ok := nv.Value.(arg); ok {
			nv.Value = pick(a)
		}
		out[i] = nv
	}
	return out
}

// check converts one argument by the rules of database/sql (driverArgsConnLocked
// in database/sql/convert.go): the statement's checker or else the connection's,
// then the statement's column converter, then the default.
func check(conn driver.Conn, stmt driver.Stmt, nv *driver.NamedValue) error {
	checker, ok := stmt.(driver.NamedValueChecker)
	if !ok {
		checker, ok = conn.(driver.NamedValueChecker)
	}
	if ok {
		if err := checker.CheckNamedValue(nv); !errors.Is(err, driver.ErrSkip) {
			return err
		}
	}
	if cc, ok := stmt.(driver.ColumnConverter); ok { //nolint:staticcheck // old drivers have it
		return checkColumn(cc, stmt.NumInput(), nv)
	}
	v, err := driver.DefaultParameterConverter.ConvertValue(nv.Value)
	if err != nil {
		return err
	}
	nv.Value = v
	return nil
}

func checkColumn(cc driver.ColumnConverter, want int, nv *driver.NamedValue) error { //nolint:staticcheck // old drivers have it
	i := nv.Ordinal - 1
	if want <= i {
		return nil
	}
	if _, ok := nv.Value.(driver.Valuer); ok {
		v, err := driver.DefaultParameterConverter.ConvertValue(nv.Value)
		if err != nil {
			return err
		}
		nv.Value = v
	}
	v, err := cc.ColumnConverter(i).ConvertValue(nv.Value)
	if err != nil {
		return err
	}
	if !driver.IsValue(v) {
		return fmt.Errorf("driver ColumnConverter error converted %T to unsupported type %T", nv.Value, v)
	}
	nv.Value = v
	return nil
}

// checked converts the caller's arguments for conn, as database/sql would.
func checked(conn driver.Conn, stmt driver.Stmt, args []driver.NamedValue) ([]driver.NamedValue, error) {
	out := make([]driver.NamedValue, 0, len(args))
	for _, nv := range args {
		nv.Ordinal = len(out) + 1
		err := check(conn, stmt, &nv)
		if errors.Is(err, driver.ErrRemoveArgument) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("convert argument %d: %w", nv.Ordinal, err)
		}
		out = append(out, nv)
	}
	return out, nil
}

// plain are args for the methods of old drivers.
func plain(args []driver.NamedValue) ([]driver.Value, error) {
	out := make([]driver.Value, len(args))
	for i, nv := range args {
		if nv.Name != "" {
			return nil, errors.New("sql: driver does not support the use of Named Parameters")
		}
		out[i] = nv.Value
	}
	return out, nil
}

// The functions below call a driver as database/sql does (ctxutil.go), whichever
// of its optional interfaces the driver has.

func prepareOn(ctx context.Context, conn driver.Conn, query string) (driver.Stmt, error) {
	if p, ok := conn.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, query)
	}
	s, err := conn.Prepare(query)
	if err == nil && ctx.Err() != nil {
		_ = s.Close()
		return nil, ctx.Err()
	}
	return s, err
}

func execOn(ctx context.Context, conn driver.Conn, query string, args []driver.NamedValue) (driver.Result, error) {
	if e, ok := conn.(driver.ExecerContext); ok {
		return e.ExecContext(ctx, query, args)
	}
	e, ok := conn.(driver.Execer) //nolint:staticcheck // old drivers have it
	if !ok {
		return nil, driver.ErrSkip
	}
	values, err := plain(args)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return e.Exec(query, values)
}

func queryOn(ctx context.Context, conn driver.Conn, query string, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := conn.(driver.QueryerContext); ok {
		return q.QueryContext(ctx, query, args)
	}
	q, ok := conn.(driver.Queryer) //nolint:staticcheck // old drivers have it
	if !ok {
		return nil, driver.ErrSkip
	}
	values, err := plain(args)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return q.Query(query, values)
}

func stmtExecOn(ctx context.Context, s driver.Stmt, args []driver.NamedValue) (driver.Result, error) {
	if e, ok := s.(driver.StmtExecContext); ok {
		return e.ExecContext(ctx, args)
	}
	values, err := plain(args)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return s.Exec(values) //nolint:staticcheck // old drivers have only this
}

func stmtQueryOn(ctx context.Context, s driver.Stmt, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := s.(driver.StmtQueryContext); ok {
		return q.QueryContext(ctx, args)
	}
	values, err := plain(args)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return s.Query(values) //nolint:staticcheck // old drivers have only this
}

func beginOn(ctx context.Context, conn driver.Conn, o driver.TxOptions) (driver.Tx, error) {
	if b, ok := conn.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, o)
	}
	if sql.IsolationLevel(o.Isolation) != sql.LevelDefault {
		return nil, errors.New("sql: driver does not support non-default isolation level")
	}
	if o.ReadOnly {
		return nil, errors.New("sql: driver does not support read-only transactions")
	}
	t, err := conn.Begin() //nolint:staticcheck // old drivers have only this
	if err == nil && ctx.Err() != nil {
		_ = t.Rollback()
		return nil, ctx.Err()
	}
	return t, err
}
