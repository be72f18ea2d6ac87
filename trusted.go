package fraiseql

import (
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/server"
)

// unfit are the trusted documents that a schema can't answer.
type unfit struct {
	schema *graphql.Schema
	list   []server.Broken
}

// unfitDocuments holds the trusted documents to the schema: each is of a client that is out
// there, and nobody else would hear of it before that client asks. It is done once
// for each schema.
func (s *Site) unfitDocuments(schema *graphql.Schema) []server.Broken {
	if last := s.unfit.Load(); last != nil && last.schema == schema {
		return last.list
	}
	found := &unfit{schema: schema}
	for id, document := range s.trusted.All() {
		if err := schema.Check(document); err != nil {
			found.list = append(found.list, server.Broken{Object: "trusted document " + id, Reason: err.Error()})
		}
	}
	s.unfit.Store(found)
	return found.list
}
