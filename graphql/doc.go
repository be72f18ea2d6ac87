// Package graphql makes a GraphQL schema of a catalog and answers documents
// against it: parse, validate, plan, execute. It knows no HTTP.
//
//	NewSchema   builder.Schema and Config → types and fields, each with its meaning
//	Prepare     document, variables → plans (kept in a cache, arguments bound per call)
//	Execute     plans → {"data":…} streamed to a writer
package graphql
