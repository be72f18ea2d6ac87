// Package clones compares what two drivers write, on two databases that began
// alike: Make clones a template twice, a parity.NewSeparateRunner runs and commits
// each operation on both, and Diff says afterwards in what rows and sequences the
// two databases differ, those that triggers and cascades wrote included.
//
// It needs a role that may create databases, and a template that nobody is
// connected to. A clone of some megabytes takes a few dozen milliseconds.
package clones
