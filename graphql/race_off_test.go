//go:build !race

package graphql_test

const raced = false
