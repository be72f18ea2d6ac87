package executor

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/fraiseql/fraiseql-go/backend"
)

// Until firstBytes are there nothing is written, so that an error up to then is a
// clean answer of its own. After that, chunks of about chunkBytes go out.
const (
	firstBytes = 64 << 10
	chunkBytes = 32 << 10
	// keepBytes bounds the buffers that are kept for later answers: one that a
	// large value has grown is let go.
	keepBytes = 256 << 10
)

// output is an answer on its way to a writer. Whoever encodes appends to buf and
// calls full after each row.
type output struct {
	w       io.Writer
	buf     []byte
	limit   int
	written int64
	hold    bool // keep everything until finish: the answer of a write
}

var outputs = sync.Pool{New: func() any { return new(output) }}

func newOutput(w io.Writer) *output {
	o := outputs.Get().(*output) //nolint:forcetypeassert // nothing else is in it
	o.w, o.hold, o.limit, o.written, o.buf = w, false, firstBytes, 0, o.buf[:0]
	return o
}

// free gives the buffer back; nothing may use o any more.
func (o *output) free() {
	o.w = nil
	if cap(o.buf) <= keepBytes {
		outputs.Put(o)
	}
}

// full writes the buffer out if it holds enough.
func (o *output) full() error {
	if len(o.buf) < o.limit || o.hold {
		return nil
	}
	return o.flush()
}

func (o *output) flush() error {
	if len(o.buf) == 0 {
		return nil
	}
	n, err := o.w.Write(o.buf)
	o.written += int64(n)
	if err == nil && n < len(o.buf) {
		err = io.ErrShortWrite
	}
	o.buf, o.limit = o.buf[:0], chunkBytes
	if err != nil {
		// The reader went away: nothing that the server or a retry could mend.
		return finalError{backend.New("write answer", backend.CodeCanceled, fmt.Errorf("write answer: %w", err))}
	}
	return nil
}

var errPartial = errors.New("part of the answer has left already")

// late marks err as not to be retried once bytes have left.
func (o *output) late(err error) error {
	if err != nil && o.written > 0 {
		return finalError{err}
	}
	return err
}
