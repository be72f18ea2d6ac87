// Package reproduce finds the smallest operation and the smallest database that
// two backends still answer differently, and writes them down as one SQL file and
// one Go test.
//
// It works in an empty database, the scratch: the tables, views and functions that an
// operation needs are made there, with some of their rows. Then it drops fields,
// filters, sorting, relations, words of statements, columns, tables and rows as long as
// the same kind of difference is seen in a value of the same type. At last every value
// of a row, in the rows and in the operation, is replaced by a made-up one of the same
// type and class, and what is written is run once more. What does not fail the same way
// with made-up values is not written.
package reproduce
