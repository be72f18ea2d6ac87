//go:build !race

package budgets

const raced = false
