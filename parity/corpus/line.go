package corpus

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Version is the version of the lines that this package writes.
const Version = 1

// Line is one operation of a corpus, or the count of what was lost.
type Line struct {
	Version int `json:"v,omitempty"` // 0: a definition that somebody wrote
	// Time is when the operation began, in UTC; zero where nobody knows.
	Time time.Time `json:"time,omitzero"`
	// Conn names the connection, and Tx numbers the transaction on it; "" and 0 where
	// there was none.
	Conn string `json:"conn,omitempty"`
	Tx   uint64 `json:"tx,omitempty"`
	// Title is for people.
	Title string `json:"title,omitempty"`
	// Definition is an operation of package builder. Where it is set, SQL is not.
	Definition json.RawMessage `json:"definition,omitempty"`
	// Kind is how SQL was sent; "" is KindQuery.
	Kind Kind   `json:"kind,omitempty"`
	SQL  string `json:"sql,omitempty"`
	Args []Arg  `json:"args,omitempty"`
	// Deadline is what the caller's context had left at Time; 0: there was none.
	Deadline time.Duration `json:"deadline_ns,omitempty"`
	// Duration is how long it took until it returned.
	Duration time.Duration `json:"duration_ns,omitempty"`
	// Outcome is "ok", the SQLSTATE of the error, or a backend.Code; "" where nobody
	// knows.
	Outcome string `json:"outcome,omitempty"`
	// Rows that were read; nil where there can be none or nobody knows.
	Rows *int64 `json:"rows,omitempty"`
	// Settings are run-time parameters of the session that are in force from this line
	// on, by name, beside those that earlier lines of the connection have set, and what
	// RESET goes back to. A record has them on the first line of a connection: what its
	// URL, its role or its database has set. SET is a line of its own.
	Settings map[string]string `json:"settings,omitempty"`
	// Lost counts, by reason, what could not be captured since the last such line.
	Lost map[string]int64 `json:"lost,omitempty"`

	// Number is the line's in its file, from 1; 0 for one that was not read.
	Number int `json:"-"`
}

// Kind is how a statement was sent.
type Kind string

// The kinds. Begin, commit and rollback are those that a driver makes; text such as
// SAVEPOINT is KindExec. What is KindDescribe has no arguments and can only be
// prepared.
const (
	KindQuery    Kind = "query"
	KindExec     Kind = "exec"
	KindPrepare  Kind = "prepare"
	KindBegin    Kind = "begin"
	KindCommit   Kind = "commit"
	KindRollback Kind = "rollback"
	KindDescribe Kind = "describe"
)

// parameterForm are names of run-time parameters.
var parameterForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*$`)

var kinds = map[Kind]bool{"": true, KindQuery: true, KindExec: true, KindPrepare: true, KindBegin: true, KindCommit: true, KindRollback: true, KindDescribe: true}

// Arg is one argument. With neither Text, Hex nor Unknown it is NULL.
type Arg struct {
	// OID is the type's OID; 0 where the server finds the type from the statement.
	OID uint32 `json:"oid,omitempty"`
	// Go is the Go type that the caller gave; "" where it was no Go program.
	Go string `json:"go,omitempty"`
	// Text is the value as PostgreSQL reads it.
	Text *string `json:"text,omitempty"`
	// Hex is a value of bytes: bytea, or text that is not UTF-8 (then Go is "string").
	Hex *string `json:"hex,omitempty"`
	// Unknown says why the value is not known. Such a line can't be replayed.
	Unknown string `json:"unknown,omitempty"`
}

// TextArg is an argument with the text s.
func TextArg(s string) Arg {
	if utf8.ValidString(s) {
		return Arg{Text: &s}
	}
	h := hex.EncodeToString([]byte(s))
	return Arg{Go: "string", Hex: &h}
}

// BytesArg is an argument for bytea.
func BytesArg(b []byte) Arg {
	h := hex.EncodeToString(b)
	return Arg{Hex: &h}
}

// Value is the argument in the form that builder.Raw takes: nil, string or []byte.
func (a Arg) Value() (any, error) {
	switch {
	case a.Unknown != "":
		return nil, errors.New(a.Unknown)
	case a.Text != nil:
		return *a.Text, nil
	case a.Hex != nil:
		b, err := hex.DecodeString(*a.Hex)
		if err != nil {
			return nil, fmt.Errorf("the hex of an argument: %w", err)
		}
		if a.Go == "string" {
			return string(b), nil
		}
		return b, nil
	}
	return nil, nil
}

// check refuses a line that says nothing, or two things.
func (l *Line) check() error {
	if l.Version == 0 && l.Definition == nil {
		return errors.New(`no "v": a line with anything but a definition says its version`)
	}
	if l.Version != 0 && l.Version != Version {
		return fmt.Errorf("version %d; this program reads version %d", l.Version, Version)
	}
	if !kinds[l.Kind] {
		return fmt.Errorf("kind %q is none", l.Kind)
	}
	n := 0
	for _, has := range []bool{l.Definition != nil, l.SQL != "" || l.Kind == KindBegin || l.Kind == KindCommit || l.Kind == KindRollback, len(l.Lost) > 0} {
		if has {
			n++
		}
	}
	if n != 1 {
		return errors.New("a line has a definition, or SQL, or a count of what was lost, and one of them only")
	}
	if l.SQL == "" && len(l.Args) > 0 {
		return errors.New("arguments without SQL")
	}
	if l.Settings != nil && (l.Definition != nil || len(l.Lost) > 0) {
		return errors.New("settings go with SQL, or with the begin of a transaction")
	}
	for name, value := range l.Settings {
		if !parameterForm.MatchString(name) || strings.ContainsRune(value, 0) {
			return fmt.Errorf("settings: %.64q can't be the name of a run-time parameter, or its value has a NUL character", name)
		}
	}
	if !utf8.ValidString(l.SQL) {
		return errors.New("the SQL is not UTF-8")
	}
	for i, a := range l.Args {
		set := 0
		for _, has := range []bool{a.Text != nil, a.Hex != nil, a.Unknown != ""} {
			if has {
				set++
			}
		}
		if set > 1 {
			return fmt.Errorf("argument %d has more than one of text, hex and unknown", i+1)
		}
		if _, err := a.Value(); err != nil && a.Unknown == "" {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return nil
}
