package connector

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"
)

// errLate ends a comparison whose candidate did not answer in time.
var errLate = errors.New("the candidate did not answer within its deadline")

// panicError ends one whose candidate panicked.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("the candidate panicked: %v", e.value) }

// candidate is the candidate's connection beside one of the control. It is used by
// one goroutine at a time, as the control's is; what it does runs on goroutines of
// its own, so that neither a hang nor a panic reaches the caller.
type candidate struct {
	m     *mirror
	conn  driver.Conn
	open  *pump // rows that are still being read
	stmts map[*stmt]driver.Stmt
}

// do runs fn on the candidate under the deadline. After errLate the connection
// is gone: whoever still waits in fn closes it.
func (s *candidate) do(ctx context.Context, fn func(ctx context.Context, conn driver.Conn) error) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	return s.run(ctx, cancel, fn)
}

// run is do for what outlives it: its context stays, unless fn was late.
func (s *candidate) run(ctx context.Context, cancel context.CancelFunc, fn func(ctx context.Context, conn driver.Conn) error) error {
	conn := s.conn
	if conn == nil {
		return errLate // a call before this one has lost it
	}
	done, ended := make(chan error, 1), make(chan struct{})
	s.m.running.Go(func() {
		defer close(ended)
		defer func() {
			if p := recover(); p != nil {
				done <- &panicError{p}
			}
		}()
		done <- fn(ctx, conn)
	})
	timer := time.NewTimer(s.m.timeout)
	defer timer.Stop()
	select {
	case err := <-done:
		if _, panicked := errors.AsType[*panicError](err); panicked {
			s.abandon(conn, nil)
		}
		return err
	case <-timer.C:
		cancel()
		s.abandon(conn, ended)
		s.m.pause(errLate)
		return errLate
	}
}

// abandon gives the connection up: it is closed when what runs on it has ended.
func (s *candidate) abandon(conn driver.Conn, ended <-chan struct{}) {
	s.conn, s.open, s.stmts = nil, nil, nil
	if conn == nil {
		return
	}
	s.m.running.Go(func() {
		defer func() { _ = recover() }() // a driver that panics in Close has nothing to tell
		if ended != nil {
			<-ended
		}
		_ = conn.Close()
	})
}

// connect opens the connection where there is none.
func (s *candidate) connect(ctx context.Context, c driver.Connector) error {
	if s.conn != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.m.timeout)
	type result struct {
		conn driver.Conn
		err  error
	}
	done := make(chan result, 1)
	s.m.running.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				done <- result{err: &panicError{p}}
			}
		}()
		conn, err := c.Connect(ctx)
		done <- result{conn, err}
	})
	select {
	case r := <-done:
		cancel()
		if r.err == nil {
			s.conn, s.stmts = r.conn, make(map[*stmt]driver.Stmt)
		}
		return r.err
	case <-ctx.Done():
		cancel()
		go func() {
			if r := <-done; r.err == nil {
				_ = r.conn.Close()
			}
		}()
		return errLate
	}
}

// close ends the connection without waiting for it.
func (s *candidate) close() {
	if s.open != nil {
		s.open.stop()
	}
	s.abandon(s.conn, nil)
}

// prepared is the candidate's statement for st, prepared on first use; nil where st
// is.
func (s *candidate) prepared(ctx context.Context, st *stmt) (ds driver.Stmt, err error) {
	if st == nil {
		return nil, nil
	}
	if ds := s.stmts[st]; ds != nil {
		return ds, nil
	}
	err = s.do(ctx, func(ctx context.Context, conn driver.Conn) (err error) {
		ds, err = prepareOn(ctx, conn, st.text.SQL)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.stmts[st] = ds
	return ds, nil
}

// exec runs a statement without rows. st is nil outside prepared statements.
func (s *candidate) exec(ctx context.Context, st *stmt, query string, args []driver.NamedValue) (driver.Result, error) {
	ds, err := s.prepared(ctx, st)
	if err != nil {
		return nil, err
	}
	var res driver.Result
	err = s.do(ctx, func(ctx context.Context, conn driver.Conn) error {
		r, err := execute(ctx, conn, ds, query, args)
		if err == nil && ctx.Err() == nil {
			res = r
		}
		return err
	})
	return res, err
}

func execute(ctx context.Context, conn driver.Conn, ds driver.Stmt, query string, args []driver.NamedValue) (driver.Result, error) {
	if ds != nil {
		return stmtExecChecked(ctx, conn, ds, args)
	}
	converted, err := checked(conn, nil, args)
	if err != nil {
		return nil, err
	}
	res, err := execOn(ctx, conn, query, converted)
	if !errors.Is(err, driver.ErrSkip) {
		return res, err
	}
	once, err := prepareOn(ctx, conn, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = once.Close() }()
	return stmtExecChecked(ctx, conn, once, args)
}

func stmtExecChecked(ctx context.Context, conn driver.Conn, ds driver.Stmt, args []driver.NamedValue) (driver.Result, error) {
	converted, err := checked(conn, ds, args)
	if err != nil {
		return nil, err
	}
	if err := inputs(ds, converted); err != nil {
		return nil, err
	}
	return stmtExecOn(ctx, ds, converted)
}

// inputs is the count that database/sql makes.
func inputs(ds driver.Stmt, args []driver.NamedValue) error {
	if want := ds.NumInput(); want >= 0 && want != len(args) {
		return fmt.Errorf("sql: expected %d arguments, got %d", want, len(args))
	}
	return nil
}

// start runs a statement with rows, which a goroutine reads ahead within bounds.
func (s *candidate) start(ctx context.Context, st *stmt, query string, args []driver.NamedValue) (*pump, error) {
	ds, err := s.prepared(ctx, st)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p := &pump{batches: make(chan *batch, 2), stopped: make(chan struct{}), ended: make(chan struct{}), cancel: cancel, s: s}
	started := make(chan func(), 1)
	err = s.run(ctx, cancel, func(ctx context.Context, conn driver.Conn) error {
		rows, once, err := startRows(ctx, conn, ds, query, args)
		if err != nil {
			return err
		}
		names, types := describe(rows)
		started <- func() {
			p.columns, p.types = names, types
			go p.read(rows, once, len(names))
		}
		return nil
	})
	if err != nil {
		cancel()
		select {
		case <-started: // late: its connection is closed with it
		default:
		}
		return nil, err
	}
	s.open = p
	s.m.running.Add(1)
	(<-started)()
	return p, nil
}

func startRows(ctx context.Context, conn driver.Conn, ds driver.Stmt, query string, args []driver.NamedValue) (rows driver.Rows, once driver.Stmt, err error) {
	if ds == nil {
		converted, err := checked(conn, nil, args)
		if err != nil {
			return nil, nil, err
		}
		rows, err = queryOn(ctx, conn, query, converted)
		if !errors.Is(err, driver.ErrSkip) {
			return rows, nil, err
		}
		if ds, err = prepareOn(ctx, conn, query); err != nil {
			return nil, nil, err
		}
		once = ds
	}
	converted, err := checked(conn, ds, args)
	if err == nil {
		err = inputs(ds, converted)
	}
	if err == nil {
		rows, err = stmtQueryOn(ctx, ds, converted)
	}
	if err != nil && once != nil {
		_ = once.Close()
	}
	return rows, once, err
}

// describe is the names and the types of rows.
func describe(rows driver.Rows) (names, types []string) {
	names = rows.Columns()
	types = make([]string, len(names))
	if t, ok := rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		for i := range names {
			types[i] = t.ColumnTypeDatabaseTypeName(i)
		}
	}
	return names, types
}

// ask runs a statement of the connector's own and returns its rows as text.
func ask(ctx context.Context, conn driver.Conn, query string, args ...any) ([][]string, error) {
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	rows, err := queryOn(ctx, conn, query, named)
	var once driver.Stmt
	if errors.Is(err, driver.ErrSkip) {
		if once, err = prepareOn(ctx, conn, query); err != nil {
			return nil, err
		}
		rows, err = stmtQueryOn(ctx, once, named)
	}
	if once != nil {
		defer func() { _ = once.Close() }()
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var list [][]string
	dest := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(dest); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		row := make([]string, len(dest))
		for i, v := range dest {
			row[i] = canonical("", v).text()
		}
		list = append(list, row)
	}
}
