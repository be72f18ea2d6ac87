// Package catalog knows what a database says of itself: schemas, tables, views,
// columns, types, keys, foreign keys, functions and privileges.
//
// [Load] reads everything in a fixed number of statements inside one read-only
// snapshot, whatever the size of the database, and gives a [Catalog] that never
// changes afterwards. [Store] holds the current Catalog and swaps it on Reload.
//
// A Catalog is seen through the eyes of the role that loaded it: relations and
// columns that the role may not use at all are not in it, so an error message
// or a suggestion made from a Catalog can never tell of more than the role may
// see.
//
// Everything that a Catalog hands out, by pointer or in a slice, is shared and
// must not be changed.
//
// Import direction: standard library only. The caller's *sql.DB decides which
// driver runs; each output column is cast to text, int8 or bool, so that both
// drivers give the same answer.
package catalog
