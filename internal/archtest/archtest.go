// Package archtest enforces which package may import which. The table is the
// architecture (docs/architecture.md): imports go down a level, never sideways
// and never up, and each dependency with an influence on answers has one home.
// Everything is in the test.
package archtest
