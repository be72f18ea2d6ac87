// Package parity runs an operation on two backends, compares what was observed,
// and answers with the control's answer.
//
// The control is the backend that is trusted today, the candidate the one that
// is to replace it. A Runner has the interface of what it wraps
// (executor.Runner), so everything that runs on one backend runs on two:
//
//	r, err := parity.NewRunner(harness, control, candidate)
//	err = executor.Execute(ctx, r, schema, def, w)
//
// Reads run side by side in one exported snapshot and are compared while they
// stream. Writes run on the candidate first, are rolled back with their
// constraints made immediate, and then run on the control, which commits only
// if every step agreed. In strict mode, the only one so far, a mismatch is an
// error of the operation (backend.CodeParityMismatch).
//
// What is compared: column names and order, rows, rows affected, errors by code,
// SQLSTATE and the object they name, notices, the state of the transaction, settings
// and rows written by table. Rows whose order the statement does not fix are
// compared as a bag. Values are compared in their canonical form by PostgreSQL
// type, never by Go type; every rule beyond that which was needed for a row to count
// as equal is named and counted in the Report (see Rules).
//
// A difference is looked at again: the control runs once more, to tell noise, and
// the server's own to_json says who is wrong (WithThirdVoice).
package parity
