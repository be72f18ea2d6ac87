// Package builder turns definitions (queries and mutations as JSON or Go
// values) into finished SQL statements with $n placeholders. It is pure: no
// I/O, no clock, no randomness; the same definition over the same Schema gives
// the same SQL, byte for byte.
//
// The way through the package:
//
//	Parse, ParseDefinition   JSON → Request, Definition   strict; every problem at once
//	Schema                   catalog and codecs           what definitions are checked against
//	Build                    Definition → Plan            names, operators, values → SQL
//	Operators                the operator table           the one place that says what a filter can do
//
// Two rules hold everywhere. Text of a request never becomes SQL text: values
// and JSON paths are parameters, and every name is looked up in the catalog and
// written as the catalog has it, quoted. And nothing is ever left out: a key, a
// name, an operator or a value that is not understood is a Problem and there is
// no statement, so that a misspelt filter can't become a wider one.
//
// squirrel is imported here and nowhere else. Its question marks are escaped by
// ident and sqlText; see finish.
package builder
