// Package replica sends reads to streaming replicas of a PostgreSQL server and
// everything else to the primary.
//
//	r, err := replica.Open(ctx, replica.Source{Primary: db, …})
//	s := replica.NewSession()
//	ctx = replica.WithSession(ctx, s)
//	executor.Execute(ctx, r, schema, insert, w) // on the primary; s knows its position
//	executor.Execute(ctx, r, schema, query, w)  // on a replica that has replayed it
//
// A read is a statement whose Effect is builder.Read, outside of a transaction, or a
// read-only transaction; what a standby can't do (serializable isolation, another
// transaction's snapshot) stays on the primary. All of one transaction, every level of
// a nested query for one, is read on one server.
//
// Within a Session nothing that was written is missed by a later read: see Position
// for how that is known. Reads without a Session may see the database as it was some
// time ago, at most the lag limit (WithMaxLag) and what it takes to notice.
package replica
