// Package server is HTTP: GraphQL over HTTP, JSON definitions, health, metrics
// and GraphiQL. It knows neither SQL nor the schema: what it serves is behind
// the interfaces Engine, Definitions and Authenticator.
package server
