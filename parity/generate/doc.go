// Package generate makes operations of a live catalog: definitions over its tables,
// with the operators that each column takes and with values that are in the rows,
// besides those at the edges of each type. The same seed, catalog and rows give the
// same operations.
//
// A Generator is made of rapid's generators, so that a property that is tested with
// rapid.Check shrinks what it finds and saves it; Example is for programs.
//
// An Oracle finds what both drivers get wrong: it asks one backend about itself.
package generate
