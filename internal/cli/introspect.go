package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/graphql"

	fraiseql "github.com/fraiseql/fraiseql-go"
)

// graphqlSchema opens the database for what prints its GraphQL schema.
func (a *app) graphqlSchema(ctx context.Context, write func(context.Context, *fraiseql.DB) error) (err error) {
	s := *a.settings
	s.ParityTesting = false // nothing is run
	if _, err := a.config(s.DatabaseURL, &s); err != nil {
		return err // with its hint
	}
	db, err := fraiseql.Open(ctx, "", &s, fraiseql.WithEnv(a.getenv), fraiseql.WithGraphQL(a.file.GraphQL))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }() //nolint:contextcheck // what ends has no caller any more
	if err := a.tellBroken(db); err != nil {
		return err
	}
	return write(ctx, db)
}

// introspection asks for all that tools want to know of a schema: every member of
// the introspection types of GraphQL (October 2021, section 4.2), types within
// types to a depth that no type of ours reaches.
const introspection = `query IntrospectionQuery {
  __schema {
    description
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name description specifiedByURL
      fields(includeDeprecated: true) {
        name description args(includeDeprecated: true) { ...Input } type { ...Type } isDeprecated deprecationReason
      }
      inputFields(includeDeprecated: true) { ...Input }
      interfaces { ...Type }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      possibleTypes { ...Type }
    }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...Input } }
  }
}
fragment Input on __InputValue { name description type { ...Type } defaultValue isDeprecated deprecationReason }
fragment Type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } }
`

// introspect prints what the engine answers to the introspection query.
func (a *app) introspect(ctx context.Context, db *fraiseql.DB) error {
	engine, err := db.GraphQL()
	if err != nil {
		return err
	}
	op, err := engine.Prepare(ctx, &graphql.Request{Query: introspection})
	if err != nil {
		// The one thing that can be wrong is a limit that is too low for it.
		return backend.New("introspect", backend.CodeConfiguration, err)
	}
	if err := op.Execute(ctx, a.Out); err != nil {
		return err
	}
	fmt.Fprintln(a.Out)
	return nil
}
