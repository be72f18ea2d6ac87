// Package connector puts parity testing under existing database/sql code, with
// no change to it:
//
//	h := parity.NewHarness(parity.WithPublisher(…))
//	db := sql.OpenDB(connector.New(control, candidate, h, connector.WithWrites(connector.MirrorWrites)))
//
// or, where the code opens its database by name:
//
//	connector.Register(h)
//	db, err := sql.Open("fraiseql-parity", "parity:?control=postgres&candidate=pgx&url=…&mode=mirror")
//
// The control is the driver that is trusted today, the candidate the one that is
// to replace it. The caller gets the control's connections, rows, results and
// errors, whatever the candidate does: the candidate has a connection of its own
// for each of the control's, under a deadline, and its errors and panics end in
// reports. In mirror mode the caller waits for the candidate, at most that
// deadline: this is for tests, staging and a canary (package shadow is for what
// must never wait).
//
// # What is compared
//
// Names and order of columns, rows, rows affected, and errors by SQLSTATE and the
// object they name. Values are compared in a canonical form by the type of their
// column. Where the Go values differ although the value is the same ([]byte
// against string, another location of a time.Time, a widened float4) the rule "go
// type: …" is counted: code that scans into an any, or a Scanner that takes only
// []byte, sees it. WithStrictTypes makes it a mismatch.
//
// # One database or two
//
// With one database the candidate only reads (SkipWrites, the default). A read
// that differs is run again on connections of their own, twice on the control and
// once on the candidate, in one exported snapshot: equal there is the rule
// "concurrent writes", and a control that differs from itself is noise. Inside a
// transaction at REPEATABLE READ or above the candidate reads in the control's own
// snapshot. What a transaction reads after it has written is not compared.
//
// With a database of its own, a clone of the control's (MirrorWrites), the
// candidate runs everything: writes, transactions, savepoints, settings. What each
// server makes anew (now(), identity, gen_random_uuid(), OIDs) is matched by the
// rule "volatile value". Run one connection at a time where sequences matter.
//
// # What is not
//
// COPY, LISTEN, and what is done on the control's own connection through Unwrap
// are not compared; each is counted with its reason, once for each statement.
package connector
