// Package shadow has a second backend do in production what the first one does,
// and compares, beside the callers and never in their way.
//
//	s, err := shadow.New(control, shadow.Source{Config: cfg, Candidate: candidate}, harness,
//		shadow.WithStage(shadow.StageShadow), shadow.WithShare(0.05))
//	defer s.Close()
//	err = executor.Execute(ctx, s, schema, def, w) // a Runner like control
//
// A migration goes through stages: off, describe, shadow, live, done (see
// Stage). Status says what is missing for the next one.
//
// What callers can rely on, with a test for each:
//
//   - The answer is the control's (from StageLive on the candidate's), byte for byte, at
//     the time at which it would have come: what is compared is noted as hashes while
//     the caller reads, and put into a bounded queue. A full queue drops it, counted.
//   - An operation that is not sampled costs one decision and no allocation.
//   - The candidate has connections of its own, few and never waited for, a deadline
//     of its own that the server knows too, read-only transactions, and, where one is
//     given, a role.
//   - Its context is not the caller's, its memory is bounded whatever the size of a
//     result, and nothing is shared with the caller after the answer.
//   - Where the candidate fails, is slow or cannot keep up, a breaker opens by itself.
//     Off, the kill file and the admin address end everything within a second.
//   - Off is off: no connection, no goroutine, no metric.
//
// Reads are run again a moment later, on data that may have moved: where hashes
// differ, both sides run once more in one snapshot, on the shadow's own connections.
// Equal then is Noise; what still differs is a Mismatch, with its differences.
// Writes are never run again: the candidate is asked what their statements take and
// give, and reads their arguments back, which executes nothing.
package shadow
