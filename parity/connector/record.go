package connector

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

// recorder writes lines on a goroutine of its own.
type recorder struct {
	queue   chan corpus.Line
	dropped atomic.Int64
	out     io.WriteCloser
	done    chan error

	mu     sync.RWMutex
	closed bool
	late   []corpus.Line
}

// The reasons in a record's count of losses.
const (
	lostQueue = "the queue was full"
	lostLine  = "the line could not be written: "
)

func newRecorder(w io.WriteCloser, queue int) *recorder {
	r := &recorder{queue: make(chan corpus.Line, queue), out: w, done: make(chan error, 1)}
	go r.run()
	return r
}

// put adds the line of a call; where there is no room it is dropped and counted.
func (r *recorder) put(k *call, err error, rows int64) {
	l := corpus.Line{
		Time: k.start, Conn: strconv.FormatUint(k.c.id, 10), Tx: k.tx.id, Kind: corpus.Kind(k.op), SQL: k.text.SQL,
		Duration: k.took, Outcome: outcomeOf(err), Args: recorded(k.args), Settings: k.c.start,
	}
	switch kind, ends := k.ends(); {
	case k.op == opBegin:
		l.Tx = k.c.tx.id
	case k.op == opExec && k.begins(err):
		l.Tx, l.Kind = k.c.tx.id, corpus.KindBegin
	case ends:
		l.Kind = kind
	}
	if deadline, ok := k.ctx.Deadline(); ok {
		l.Deadline = max(deadline.Sub(k.start), 1)
	}
	if rows >= 0 {
		l.Rows = &rows
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return
	}
	// Without what a connection has set, what comes after it would mean something else: that
	// waits for room.
	k.c.kept = append(k.c.kept, l)
	for i := range k.c.kept {
		select {
		case r.queue <- k.c.kept[i]:
			k.c.start = nil
			continue
		default:
		}
		k.c.kept = slices.Delete(k.c.kept, 0, i)
		if last := len(k.c.kept) - 1; !k.sets() || last >= maxKept {
			k.c.kept = k.c.kept[:last]
			r.dropped.Add(1)
		}
		return
	}
	k.c.kept = nil
}

// maxKept bounds the lines of a connection that wait for room in the queue.
const maxKept = 100

// ended takes what a connection that ends could not get rid of.
func (r *recorder) ended(c *conn) {
	if r == nil || len(c.kept) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := max(0, min(len(c.kept), maxLate-len(r.late))); !r.closed {
		r.late = append(r.late, c.kept[:n]...)
		r.dropped.Add(int64(len(c.kept) - n))
	}
	c.kept = nil
}

// maxLate bounds what connections that have ended left.
const maxLate = 10 * maxKept

// overdue are the lines that connections which have ended left, behind all that is in the
// queue.
func (r *recorder) overdue() []corpus.Line {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) > 0 {
		return nil
	}
	list := r.late
	r.late = nil
	return list
}

func outcomeOf(err error) string {
	if err == nil {
		return "ok"
	}
	if state := backend.SQLStateOf(err); state != "" {
		return state
	}
	return backend.CodeOf(err).String()
}

// flushAfter is how long a line waits for others before it is on disk.
const flushAfter = time.Second

func (r *recorder) run() {
	w := corpus.NewWriter(r.out)
	var failed error
	lost := make(map[string]int64)
	write := func(l corpus.Line) {
		if err := w.Write(l); err != nil && failed == nil {
			lost[lostLine+err.Error()]++
		}
	}
	tell := func() {
		for _, l := range r.overdue() {
			write(l)
		}
		if n := r.dropped.Swap(0); n > 0 {
			lost[lostQueue] += n
		}
		if len(lost) == 0 {
			return
		}
		if err := w.Write(corpus.Line{Time: time.Now(), Lost: lost}); err != nil {
			failed = errors.Join(failed, err)
		}
		lost = make(map[string]int64)
	}
	tick := time.NewTicker(flushAfter)
	defer tick.Stop()
	for {
		select {
		case l, ok := <-r.queue:
			if !ok {
				tell()
				r.done <- errors.Join(failed, w.Flush(), r.out.Close())
				return
			}
			write(l)
		case <-tick.C:
			tell()
			if err := w.Flush(); err != nil && failed == nil {
				failed = err // a full disk: what comes now is lost, and Close says so
			}
		}
	}
}

func (r *recorder) close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	close(r.queue)
	r.mu.Unlock()
	return <-r.done
}

// recorded are the arguments of a line: what the caller gave, in the text that
// PostgreSQL reads.
func recorded(args []driver.NamedValue) []corpus.Arg {
	if len(args) == 0 {
		return nil
	}
	list := make([]corpus.Arg, len(args))
	for i, nv := range args {
		a, ok := nv.Value.(arg)
		if !ok {
			a = arg{original: nv.Value, control: nv.Value}
		}
		list[i] = recordedArg(a)
		if a.original != nil {
			list[i].Go = fmt.Sprintf("%T", a.original)
		}
	}
	return list
}

// recordedArg takes the control's form of an argument, which is one of
// database/sql's six where the driver has not let the caller's through.
func recordedArg(a arg) corpus.Arg {
	v := a.control
	if !driver.IsValue(v) {
		converted, err := driver.DefaultParameterConverter.ConvertValue(v)
		if err != nil {
			return recordedSlice(v)
		}
		v = converted
	}
	switch v := v.(type) {
	case nil:
		return corpus.Arg{}
	case int64:
		return corpus.TextArg(strconv.FormatInt(v, 10))
	case float64:
		return corpus.TextArg(floatText(v, 64))
	case bool:
		return corpus.TextArg(strconv.FormatBool(v))
	case []byte:
		if v == nil {
			return corpus.Arg{}
		}
		return corpus.BytesArg(v)
	case string:
		return corpus.TextArg(v)
	case time.Time:
		return corpus.TextArg(timeText(v))
	}
	return corpus.Arg{Unknown: fmt.Sprintf("a %T has no text that is sure", a.original)}
}

// timeText is t as PostgreSQL reads it, years before 1 as BC.
func timeText(t time.Time) string {
	suffix := ""
	if t.Year() < 1 {
		t, suffix = t.AddDate(1-2*t.Year(), 0, 0), " BC"
	}
	return t.Format("2006-01-02 15:04:05.999999999Z07:00:00") + suffix
}

// recordedSlice is the array literal of a slice of simple values, which pgx takes
// as it is.
func recordedSlice(v any) corpus.Arg {
	unknown := corpus.Arg{Unknown: fmt.Sprintf("a %T has no text that is sure", v)}
	list := reflect.ValueOf(v)
	if list.Kind() != reflect.Slice {
		return unknown
	}
	members := make([]string, list.Len())
	for i := range members {
		if members[i] = recordedMember(list.Index(i).Interface()); members[i] == "" {
			return unknown
		}
	}
	return corpus.TextArg("{" + strings.Join(members, ",") + "}")
}

func recordedMember(v any) string {
	converted, err := driver.DefaultParameterConverter.ConvertValue(v)
	if err != nil {
		return ""
	}
	switch v := converted.(type) {
	case nil:
		return "NULL"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return floatText(v, 64)
	case bool:
		return strconv.FormatBool(v)
	case string:
		return quoteMember(v)
	case time.Time:
		return quoteMember(timeText(v))
	}
	return ""
}

func quoteMember(s string) string {
	out := []byte{'"'}
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			out = append(out, '\\')
		}
		out = append(out, s[i])
	}
	return string(append(out, '"'))
}
