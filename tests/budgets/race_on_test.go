//go:build race

package budgets

// raced: the race detector allocates, and makes pools forget.
const raced = true
