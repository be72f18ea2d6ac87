package pq

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"

	libpq "github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/defaults"
)

// wire is the network connection that lib/pq is given: it passes the server's
// messages on (PostgreSQL documentation, "Message Formats") and takes note of some.
// With capture on it keeps each DataRow for itself and passes an empty one on.
//
// It is used by one goroutine at a time, as lib/pq's connection is, except for
// deadlines and Close.
type wire struct {
	net.Conn

	buf  []byte // what was read from the server; buf[r:w] is not passed on yet
	r, w int
	pass int    // bytes of the message at r that go to lib/pq as they are
	held int    // bytes of a kept DataRow at r, given up at the next Read
	stub []byte // what is left of the empty DataRow in its place
	raw  bool   // framing is lost (not the protocol): pass everything

	capture  bool
	row      []byte           // payload of the kept DataRow: count, then length and bytes of each cell
	columns  []backend.Column // of the last RowDescription; nil after NoData
	status   byte             // of the last ReadyForQuery: I, T or E
	fatal    *libpq.Error     // the server ended the session
	pid      uint32
	secret   []byte
	trimMode bool // the next BEGIN is sent without READ WRITE
	// single sends a Query message as Parse, Bind, Describe, Execute and Sync in one
	// flight, which the server takes for one statement only; answering tells that
	// lib/pq must not see the answers that only they have.
	single, answering bool
	// parsed is the name of the statement of the last Parse message; closing is that of
	// one to close in the flight of the next, and closes are answers to that which lib/pq
	// must not see.
	parsed, closing string
	closes          int
	// describing has the types of parameters noted in params.
	describing bool
	params     []uint32
	reported   map[string]string // parameters of defaults.Reported
	completed  bool              // a command was, since somebody made this false
}

const (
	bufferSize = 32 << 10
	// keepSize is the buffer that is kept from statement to statement; a larger
	// row has one of its own.
	keepSize = 1 << 20
	// maxNoted bounds the messages that are looked into; ErrorResponse and
	// RowDescription (1,664 columns with long names) stay far below.
	maxNoted = 1 << 20
)

// emptyRow is a DataRow without columns.
var emptyRow = []byte{'D', 0, 0, 0, 6, 0, 0}

func newWire(conn net.Conn) *wire {
	return &wire{Conn: conn, buf: make([]byte, bufferSize)}
}

// Read gives lib/pq the next part of at most one message. A kept row stays valid
// until then: lib/pq asks for no byte beyond the row that it was given.
func (x *wire) Read(p []byte) (int, error) {
	x.r += x.held
	x.held, x.row = 0, nil
	for {
		switch {
		case len(x.stub) > 0:
			n := copy(p, x.stub)
			x.stub = x.stub[n:]
			return n, nil
		case x.raw || x.pass > 0:
			return x.pipe(p)
		}
		if err := x.next(); err != nil {
			return 0, err
		}
	}
}

// pipe passes bytes on as they are.
func (x *wire) pipe(p []byte) (int, error) {
	if x.r == x.w {
		if err := x.need(1); err != nil {
			return 0, err
		}
	}
	n := x.w - x.r
	if !x.raw {
		n = min(n, x.pass)
	}
	n = copy(p, x.buf[x.r:x.r+n])
	x.r += n
	if !x.raw {
		x.pass -= n
	}
	return n, nil
}

// need makes at least n unread bytes available.
func (x *wire) need(n int) error {
	if x.r == x.w {
		x.r, x.w = 0, 0
		if cap(x.buf) > keepSize && n <= bufferSize {
			x.buf = make([]byte, bufferSize)
		}
	}
	if len(x.buf)-x.r < n {
		buf := x.buf
		if len(buf) < n {
			buf = make([]byte, max(n, min(2*len(buf), keepSize)))
		}
		x.w = copy(buf, x.buf[x.r:x.w])
		x.buf, x.r = buf, 0
	}
	for x.w-x.r < n {
		m, err := x.Conn.Read(x.buf[x.w:])
		x.w += m
		if err != nil && x.w-x.r < n {
			return err
		}
	}
	return nil
}

// next looks at the message that starts at r and decides what lib/pq sees of it.
func (x *wire) next() error {
	if err := x.need(5); err != nil {
		return err
	}
	kind, n := x.buf[x.r], int(binary.BigEndian.Uint32(x.buf[x.r+1:]))
	total := n + 1
	if n < 4 || (kind == 'E' && n > maxNoted) {
		// A server that can't start a process answers in plain text; lib/pq knows.
		x.raw = true
		return nil
	}
	if x.status == 0 && n > maxNoted {
		// lib/pq would make room for it first: an HTTP server's answer is 1.4 GB.
		return fmt.Errorf("pq: a %q message of %d bytes before the login is through", kind, n)
	}
	x.pass = total
	switch kind {
	case 'D':
		if !x.capture {
			return nil
		}
		if err := x.need(total); err != nil {
			return err
		}
		x.row = x.buf[x.r+5 : x.r+total : x.r+total]
		x.held, x.pass, x.stub = total, 0, emptyRow
		return nil
	case '3':
		if x.closes == 0 {
			return nil
		}
		if err := x.need(total); err != nil {
			return err
		}
		x.r, x.pass, x.closes = x.r+total, 0, x.closes-1
		return nil
	case '1', '2', 'n':
		if x.answering {
			if err := x.need(total); err != nil {
				return err
			}
			x.r, x.pass = x.r+total, 0
			if kind == 'n' {
				x.columns = nil
			}
			return nil
		}
		if kind != 'n' {
			return nil
		}
	case 't':
		if !x.describing {
			return nil
		}
	case 'C', 'E', 'K', 'S', 'T', 'Z':
	default:
		return nil
	}
	if n > maxNoted {
		return fmt.Errorf("pq: a %q message of %d bytes", kind, n)
	}
	if err := x.need(total); err != nil {
		return err
	}
	x.note(kind, x.buf[x.r+5:x.r+total])
	return nil
}

// note takes from a message what lib/pq does not tell.
func (x *wire) note(kind byte, body []byte) {
	switch kind {
	case 'C':
		x.completed = true
		// lib/pq knows no MERGE and reports 0 rows; FETCH is counted the same way
		// and nothing else is done with the tag's word.
		if bytes.HasPrefix(body, []byte("MERGE ")) {
			copy(body, "FETCH ")
		}
	case 'E':
		if e := parseError(body); e.Severity == pqerror.SeverityFatal || e.Severity == pqerror.SeverityPanic {
			x.fatal = e
		}
	case 'K':
		if len(body) >= 8 {
			x.pid, x.secret = binary.BigEndian.Uint32(body), bytes.Clone(body[4:])
		}
	case 'S':
		x.report(body)
	case 'T':
		x.columns = parseColumns(body)
	case 't':
		x.params = parseParameters(body)
	case 'n':
		x.columns = nil
	case 'Z':
		if len(body) == 1 {
			x.status, x.answering = body[0], false
		}
	}
}

// report takes note of a ParameterStatus: name and value, each with a NUL.
func (x *wire) report(body []byte) {
	name, value, _ := bytes.Cut(body, []byte{0})
	if _, ok := defaults.Reported[string(name)]; ok {
		if x.reported == nil {
			x.reported = map[string]string{}
		}
		x.reported[string(name)] = string(bytes.TrimSuffix(value, []byte{0}))
	}
}

// readWrite is what lib/pq ends a BEGIN with, in its Query message.
var readWrite = []byte(" READ WRITE\x00")

// Write sends what lib/pq made, except that a BEGIN loses its READ WRITE where
// BeginTx asked for that.
func (x *wire) Write(p []byte) (int, error) {
	if x.trimMode && len(p) > 5 && p[0] == 'Q' && bytes.HasPrefix(p[5:], []byte("BEGIN")) && bytes.HasSuffix(p, readWrite) {
		short := append(bytes.Clone(p[:len(p)-len(readWrite)]), 0)
		binary.BigEndian.PutUint32(short[1:], uint32(len(short)-1)) // a few dozen bytes
		if n, err := x.Conn.Write(short); err != nil {
			return min(n, len(p)), err
		}
		return len(p), nil
	}
	if x.single && len(p) > 5 && p[0] == 'Q' {
		if n, err := x.Conn.Write(extended(p[5:])); err != nil {
			return min(n, len(p)), err
		}
		x.answering = true
		return len(p), nil
	}
	if len(p) > 5 && p[0] == 'P' {
		return x.parse(p)
	}
	return x.Conn.Write(p)
}

// parse sends what begins with a Parse message, and Close before it where a statement
// has to go: by itself that would be a round trip.
func (x *wire) parse(p []byte) (int, error) {
	if end := bytes.IndexByte(p[5:], 0); end >= 0 {
		x.parsed = string(p[5 : 5+end])
	}
	if x.closing == "" {
		return x.Conn.Write(p)
	}
	m := make([]byte, 0, len(p)+len(x.closing)+7)
	m = append(m, 'C')
	m = binary.BigEndian.AppendUint32(m, uint32(4+1+len(x.closing)+1)) // a few digits
	m = append(append(append(m, 'S'), x.closing...), 0)
	x.closing, x.closes = "", x.closes+1
	if n, err := x.Conn.Write(append(m, p...)); err != nil {
		return min(n, len(p)), err
	}
	return len(p), nil
}

// extended is a Query message's text (with its NUL) as one statement of the
// extended protocol, without a name, arguments, or binary values.
func extended(query []byte) []byte {
	m := make([]byte, 0, len(query)+40)
	m = append(m, 'P')
	m = binary.BigEndian.AppendUint32(m, uint32(4+1+len(query)+2)) // lib/pq has counted it
	m = append(m, 0)
	m = append(m, query...)
	m = append(m, 0, 0)
	return append(m,
		'B', 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0,
		'D', 0, 0, 0, 6, 'P', 0,
		'E', 0, 0, 0, 9, 0, 0, 0, 0, 0,
		'S', 0, 0, 0, 4)
}

// cells splits a kept row into dst, which is reused. NULL is nil, an empty value
// is not. It reports false where the lengths don't fit the message.
func cells(dst [][]byte, row []byte) ([][]byte, bool) {
	dst = dst[:0]
	if len(row) < 2 {
		return dst, false
	}
	count := int(binary.BigEndian.Uint16(row))
	row = row[2:]
	for range count {
		if len(row) < 4 {
			return dst, false
		}
		n := int32(binary.BigEndian.Uint32(row)) // -1 is NULL
		row = row[4:]
		switch {
		case n == -1:
			dst = append(dst, nil)
			continue
		case n < 0 || int(n) > len(row):
			return dst, false
		}
		dst = append(dst, row[:n:n])
		row = row[n:]
	}
	return dst, len(row) == 0
}

// parseColumns reads a RowDescription; a malformed one ends early, and lib/pq,
// which reads the same bytes, complains.
func parseColumns(body []byte) []backend.Column {
	if len(body) < 2 {
		return nil
	}
	columns := make([]backend.Column, 0, binary.BigEndian.Uint16(body))
	body = body[2:]
	for range cap(columns) {
		end := bytes.IndexByte(body, 0)
		if end < 0 || len(body) < end+19 {
			return columns
		}
		rest := body[end+1:] // table OID 4, column 2, type OID 4, length 2, modifier 4, format 2
		columns = append(columns, backend.Column{
			Name:   string(body[:end]),
			OID:    binary.BigEndian.Uint32(rest[6:]),
			Format: backend.Format(binary.BigEndian.Uint16(rest[16:])), // 0 or 1
		})
		body = rest[18:]
	}
	return columns
}

// parseError reads an ErrorResponse into lib/pq's error.
func parseError(body []byte) *libpq.Error {
	e := &libpq.Error{}
	for len(body) > 1 && body[0] != 0 {
		end := bytes.IndexByte(body[1:], 0)
		if end < 0 {
			break
		}
		text := string(body[1 : 1+end])
		switch body[0] {
		case 'V': // the severity that is never translated
			e.Severity = text
		case 'S':
			if e.Severity == "" {
				e.Severity = text
			}
		case 'C':
			e.Code = pqerror.Code(text)
		case 'M':
			e.Message = text
		case 'D':
			e.Detail = text
		case 'H':
			e.Hint = text
		case 'W':
			e.Where = text
		case 'R':
			e.Routine = text
		}
		body = body[end+2:]
	}
	return e
}
