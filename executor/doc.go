// Package executor runs Statements on a backend and streams their rows as JSON.
//
// Three layers, each usable without the one above it:
//
//   - [DB] is a pool of one backend. It runs one Statement (Query, Exec) or
//     several in a transaction (InTx), with deadlines, retries and session
//     variables; it is a [Runner], as is the transaction that InTx hands out.
//   - [Rows] are the rows of a Statement as the server sent them; they are
//     encoded straight from the wire, without a Go value per cell.
//   - [Execute] turns a Definition into an answer on an io.Writer, nested levels
//     included, in constant memory; [ExecuteRequest] does several.
//
// # Writes
//
// A write is never sent outside an explicit transaction on a connection that is
// held, so database/sql and the drivers can't repeat it. Isolation level and
// access mode are always said. A connection that is lost while the server
// answers COMMIT is reported as backend.CodeCommitUnknown and never retried.
//
// # Errors
//
// Everything that fails is a *backend.Error, or builder.Problems for a request
// that is wrong; backend.CodeOf judges both. [WriteError] writes what a client
// may see of it.
package executor
