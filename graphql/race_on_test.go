//go:build race

package graphql_test

// raced: the race detector allocates, and makes pools forget.
const raced = true
