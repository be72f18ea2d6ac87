// Package budgets holds every hot path to what it may allocate: one table
// (budgets_test.go), exact on a machine of any speed. The same paths are the
// benchmarks that make bench-compare judges. Everything is in the tests.
package budgets
