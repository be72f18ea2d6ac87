package shadow

import (
	"bytes"
	"database/sql"
	"maps"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
)

// maxSteps bounds the statements of one operation that are noted.
const maxSteps = 1_000

// tape is what one operation did on the side that answers it, noted while it did
// it. It belongs to the operation's goroutine until it is submitted, and to a
// worker from then on.
type tape struct {
	e     *engine
	stage Stage
	class *class
	began time.Time
	took  time.Duration // until its end, the caller's own work included

	inTx      bool
	readOnly  bool
	isolation sql.IsolationLevel
	session   map[string]string
	steps     []*step
	size      int64         // bytes kept
	void      string        // why it can't be compared; "": it can
	overhead  time.Duration // what noting took
	over      bool
}

// step is one statement.
type step struct {
	s        *builder.Statement // a copy, arguments too
	columns  []builder.Column
	wire     []backend.Column
	exec     bool // it has no rows
	rows     digest
	whole    bool // the rows were read to their end
	affected int64
	err      error
}

var _ executor.Tap = (*tape)(nil)

// note runs f and counts its time. Whatever fails in it voids the tape, and is
// nothing to the operation.
func (t *tape) note(f func()) {
	if t.void != "" || t.over {
		return
	}
	start := time.Now()
	defer func() {
		if recover() != nil {
			t.void = dropPanic
		}
		t.overhead += time.Since(start)
	}()
	f()
}

// Begin implements executor.Tap.
func (t *tape) Begin(o *executor.TxOptions) {
	t.note(func() {
		t.inTx, t.readOnly, t.isolation, t.steps, t.size = true, o.ReadOnly, o.Isolation, nil, 0
		if t.session == nil {
			t.session = maps.Clone(o.Session)
		}
		for name, value := range t.session {
			t.size += int64(len(name) + len(value))
		}
		if o.Snapshot != "" {
			t.void = dropSnapshot
		}
	})
}

// step notes a statement. A repetition takes the place of what failed for want of
// a connection.
func (t *tape) step(s *builder.Statement) *step {
	st := &step{s: t.copy(s)}
	t.size += int64(len(s.SQL)) + 256
	if n := len(t.steps); n > 0 && outage(t.steps[n-1].err) {
		t.steps = t.steps[:n-1]
	}
	t.steps = append(t.steps, st)
	if len(t.steps) > maxSteps || t.size > t.e.opt.memory {
		t.void = dropMemory
	}
	return st
}

// copy keeps nothing that the caller may change: a bytea argument is its own.
func (t *tape) copy(s *builder.Statement) *builder.Statement {
	c := *s
	c.Args = make([]any, len(s.Args))
	for i, a := range s.Args {
		switch v := a.(type) {
		case []byte:
			a = bytes.Clone(v)
			t.size += int64(len(v))
		case string:
			t.size += int64(len(v))
		}
		c.Args[i] = a
	}
	if t.session["search_path"] != "" {
		// The executor's tag of the search path; it will put its own there again.
		if at := strings.LastIndex(c.SQL, " /*"); at > 0 && strings.HasSuffix(c.SQL, "*/") {
			c.SQL = c.SQL[:at]
		}
	}
	return &c
}

// Rows implements executor.Tap.
func (t *tape) Rows(s *builder.Statement, w backend.WireRows, cols []builder.Column) backend.WireRows {
	var rows *tapedRows
	t.note(func() {
		st := t.step(s)
		st.columns, st.wire = cols, w.Columns()
		if !t.inTx {
			t.readOnly = s.Effect == builder.Read
		}
		rows = &tapedRows{WireRows: w, t: t, step: st}
		rows.add = rows.take // bound once, not for each row
		rows.digest.columns, rows.digest.formats = cols, formatsOf(st.wire)
	})
	if rows == nil {
		return w
	}
	return rows
}

// formatsOf are the wire formats of columns.
func formatsOf(columns []backend.Column) []codec.Format {
	formats := make([]codec.Format, len(columns))
	for i, c := range columns {
		formats[i] = codec.Format(c.Format)
	}
	return formats
}

// Done implements executor.Tap.
func (t *tape) Done(s *builder.Statement, affected int64, err error) {
	t.note(func() {
		st := t.step(s)
		st.exec, st.affected, st.err = err == nil, affected, err
		if t.inTx {
			return
		}
		t.readOnly = s.Effect == builder.Read
		if !outage(err) { // it may be sent again, or the caller has gone
			t.submit()
		}
	})
}

// End implements executor.Tap.
func (t *tape) End(err error) {
	if outage(err) {
		t.void = dropControl
	}
	t.submit()
}

// submit hands the tape over, or drops it.
func (t *tape) submit() {
	if t.over {
		return
	}
	t.over = true
	t.took = time.Since(t.began)
	t.e.submit(t)
}

// tapedRows are the answering side's rows, noted while the caller reads them.
type tapedRows struct {
	backend.WireRows
	t      *tape
	step   *step
	digest digester
	add    func()
	over   bool
}

// Next moves to the next row and takes its digest.
func (r *tapedRows) Next() bool {
	if r.WireRows.Next() {
		r.t.note(r.add)
		return true
	}
	r.end(true)
	return false
}

// take is add.
func (r *tapedRows) take() {
	ok, err := r.digest.add(r.Values())
	switch {
	case err != nil:
		r.t.void = dropUnreadable
	case !ok:
		r.t.void = dropSize
	}
}

func (r *tapedRows) end(whole bool) {
	if r.over {
		return
	}
	r.over = true
	r.t.note(func() {
		r.step.rows, r.step.whole, r.step.err = r.digest.digest, whole, r.Err()
	})
	if r.t.inTx {
		return
	}
	if outage(r.step.err) {
		r.t.void = dropControl
	}
	r.t.submit()
}

// Close ends the rows, early or late.
func (r *tapedRows) Close() error {
	err := r.WireRows.Close()
	r.end(false)
	return err
}

// outage says that err tells nothing about the operation: a connection that
// failed, or a caller that went away.
func outage(err error) bool {
	code := backend.CodeOf(err)
	return code == backend.CodeServiceUnavailable || code == backend.CodeCanceled || code == backend.CodeCommitUnknown
}
