package corpus

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// MaxLine bounds one line, in bytes.
const MaxLine = 16 << 20

// Reader reads the lines of a corpus, strictly: what it does not know is an error
// that names the line.
type Reader struct {
	in *bufio.Scanner
	n  int
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), MaxLine)
	return &Reader{in: in}
}

// Next is the next line; io.EOF at the end.
func (r *Reader) Next() (Line, error) {
	for r.in.Scan() {
		r.n++
		line := bytes.TrimSpace(r.in.Bytes())
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		l, err := parse(line)
		if err != nil {
			return Line{}, fmt.Errorf("line %d %w", r.n, err)
		}
		l.Number = r.n
		if l.Title == "" && l.Definition != nil {
			l.Title = fmt.Sprintf("line %d", r.n)
		}
		return l, nil
	}
	if err := r.in.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return Line{}, fmt.Errorf("line %d is longer than %d bytes", r.n+1, MaxLine)
		}
		return Line{}, fmt.Errorf("read line %d: %w", r.n+1, err)
	}
	return Line{}, io.EOF
}

// ReadAll is every line of r.
func ReadAll(r io.Reader) ([]Line, error) {
	var list []Line
	in := NewReader(r)
	for {
		l, err := in.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
}

// parse reads one line. One without "v" and without "definition" is a definition
// itself; its content is for package builder to judge.
func parse(line []byte) (Line, error) {
	var has struct {
		Version    *int            `json:"v"`
		Title      *string         `json:"title"`
		Definition json.RawMessage `json:"definition"`
	}
	if err := json.Unmarshal(line, &has); err != nil {
		return Line{}, place(line, err)
	}
	if has.Version == nil && has.Definition == nil {
		return Line{Definition: bytes.Clone(line)}, nil
	}
	var l Line
	in := json.NewDecoder(bytes.NewReader(line))
	in.DisallowUnknownFields()
	var err error
	if has.Version == nil {
		var titled struct {
			Title      string          `json:"title"`
			Definition json.RawMessage `json:"definition"`
		}
		err = in.Decode(&titled)
		l.Title, l.Definition = titled.Title, titled.Definition
		if err == nil {
			return l, nil
		}
	} else {
		err = in.Decode(&l)
	}
	if err != nil {
		return Line{}, place(line, err)
	}
	if err := l.check(); err != nil {
		return Line{}, fmt.Errorf("can't be read: %w", err)
	}
	return l, nil
}

// place says where in line a problem is, and nothing of Go.
func place(line []byte, err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		if bytes.HasPrefix(line, []byte("\ufeff")) {
			return errors.New("is not a JSON object: it begins with a byte order mark, which has no place in JSON")
		}
		return fmt.Errorf("is not a JSON object: at byte %d: %w", syntax.Offset, syntax)
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if kind.Field == "" {
			return fmt.Errorf("is not a JSON object, but %s", kind.Value)
		}
		return fmt.Errorf("can't be read: %q can't be %s", kind.Field, kind.Value)
	}
	return fmt.Errorf("can't be read: %s", strings.TrimPrefix(err.Error(), "json: "))
}

// Writer writes the lines of a corpus. It is safe for concurrent use.
type Writer struct {
	mu  sync.Mutex
	out *bufio.Writer
}

// NewWriter returns a Writer to w. Flush it at the end.
func NewWriter(w io.Writer) *Writer { return &Writer{out: bufio.NewWriterSize(w, 64<<10)} }

// Write writes one line, with the version of this package. A line that a Reader
// would refuse is refused.
func (w *Writer) Write(l Line) error {
	l.Version = Version
	l.Time = l.Time.UTC()
	if err := l.check(); err != nil {
		return err
	}
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	if err := out.Encode(l); err != nil {
		return fmt.Errorf("encode a line: %w", err)
	}
	if b.Len() > MaxLine {
		return fmt.Errorf("a line of %d bytes; at most %d can be read", b.Len(), MaxLine)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.out.Write(b.Bytes())
	return err
}

// Flush writes what is buffered.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Flush()
}
