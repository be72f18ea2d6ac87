// Package step2 changes nothing of the service: its test runs the code of step1 with
// pgx beside lib/pq, and says what stands in the way.
package step2
