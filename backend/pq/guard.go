package pq

import (
	"context"
	"encoding/binary"
	"io"
	"time"
)

// grace is how long a call may go on after its context has ended: the time that a
// cancel request has to reach the server and its answer to come back.
const grace = 2 * time.Second

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// guard ends what is running on c when ctx ends, until the returned function is
// called. lib/pq is given a context that never ends, because it would only cancel,
// not stop waiting, and costs a goroutine for each call.
func (c *conn) guard(ctx context.Context, cancel bool) (release func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	call := c.calls.Load()
	stop := context.AfterFunc(ctx, func() {
		c.broken.Store(true)
		_ = c.x.SetDeadline(time.Now().Add(grace))
		if cancel {
			c.cancelUntil(func() bool { return c.calls.Load() != call })
		}
	})
	return func() {
		c.calls.Add(1)
		if !stop() {
			// It has begun, or is about to: whatever it still does must not meet the
			// next statement.
			c.broken.Store(true)
		}
	}
}

// The times between cancel requests of one call, doubled after each, and between looks
// whether it has ended.
const (
	cancelAgain = 100 * time.Millisecond
	lookAgain   = 5 * time.Millisecond
)

// cancelUntil cancels what runs until the call has ended, or all is over by the
// deadline. One request is not enough: a
// statement goes in two messages, and one that comes between them finds nothing to
// cancel; the statement would go on when nobody is there for its answer any more.
func (c *conn) cancelUntil(ended func() bool) {
	for began, wait := time.Now(), cancelAgain; time.Since(began) < grace; wait *= 2 {
		if c.cancel() != nil {
			c.interrupt() // nobody there to cancel it
			return
		}
		for until := time.Now().Add(wait); time.Now().Before(until); time.Sleep(lookAgain) {
			if ended() {
				return
			}
		}
	}
}

// interrupt makes whoever reads from the server fail now. It may be called from
// any goroutine.
func (c *conn) interrupt() {
	c.broken.Store(true)
	_ = c.x.SetDeadline(past)
}

// abandon ends the connection in the middle of a result. A server that is blocked
// in sending to us hears no cancel request, only the end of the connection
// (PostgreSQL: ProcessClientWriteInterrupt).
func (c *conn) abandon() {
	c.interrupt()
	_ = c.x.Close()
}

// cancelRequest is the code in the place of a protocol version (PostgreSQL
// documentation, "Message Formats", CancelRequest).
const cancelRequest = 80877102

// cancel asks the server, over a second connection, to cancel what c runs, and
// waits until the server has taken note.
func (c *conn) cancel() error {
	ctx, stop := context.WithTimeout(context.Background(), grace)
	defer stop()
	nc, err := c.a.Redial(ctx, c.x.Conn)
	if err != nil {
		return err
	}
	defer func() { _ = nc.Close() }()
	if err := nc.SetDeadline(time.Now().Add(grace)); err != nil {
		return err
	}
	m := binary.BigEndian.AppendUint32(nil, uint32(12+len(c.x.secret))) // at most 268
	m = binary.BigEndian.AppendUint32(m, cancelRequest)
	m = binary.BigEndian.AppendUint32(m, c.x.pid)
	if _, err := nc.Write(append(m, c.x.secret...)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, nc)
	return err
}
