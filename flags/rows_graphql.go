package flags

// The choices of the GraphQL settings.
const (
	IntrospectionPublic        = "public"
	IntrospectionAuthenticated = "authenticated"
	IntrospectionOff           = "off"

	TxNone = "none"

	ReloadOff    = "off"
	ReloadListen = "listen"
)

// GraphQL are the settings of the API.
type GraphQL struct {
	// Path is where GraphQL requests are answered.
	Path string
	// GraphiQL serves an editor for the browser at /.
	GraphiQL bool
	// Definitions is "true", "false" or Auto. Read it through ServeDefinitions.
	Definitions string
	// Introspection is IntrospectionPublic (default), -Authenticated or -Off.
	Introspection string
	// APQBytes bounds the memory of automatic persisted queries; 0 switches them off.
	APQBytes int
	// TrustedDocuments is a file of documents beside which none is run; "" for none.
	TrustedDocuments string
	// BatchMax is how many requests one body may have in an array; 0 refuses arrays.
	BatchMax int
	// QueryTx is TxNone (each root field of a query sees the database as it is when
	// it runs) or TxDocument (all see one snapshot).
	QueryTx string
	// PlanCacheSize is how many plans of documents are kept; 0 means none.
	PlanCacheSize int
	// ErrorSQLStates are errors whose message is told to clients.
	ErrorSQLStates []string
	// Schemas are the schemas that are served; empty means each that the role may use.
	Schemas []string
	// SchemaReload is ReloadOff (default) or ReloadListen.
	SchemaReload string
	// TenantSchema is the schema that is compiled for the schema of every tenant; ""
	// where there are none.
	TenantSchema string
}

// Limits bound what one document may ask for; 0 means no limit.
type Limits struct {
	Bytes, Tokens, Depth, Aliases, Roots, Directives, Fragments, Cost int
	InputDepth, Errors, IntrospectionDepth, VariableBytes             int
}

// ServeDefinitions says whether JSON definitions are answered over HTTP, which for
// Auto is so unless there are trusted documents.
func (g GraphQL) ServeDefinitions() bool {
	if g.Definitions == Auto || g.Definitions == "" {
		return g.TrustedDocuments == ""
	}
	return g.Definitions == "true"
}

// graphqlRows are the settings of the API.
var graphqlRows = []Setting{
	word("GraphQL", "FRAISEQL_GRAPHQL_PATH", "graphql-path", "/graphql",
		"a path of letters, digits, -, _, . and ~ that begins with /, such as /graphql",
		"Where GraphQL requests are answered.",
		func(s *Settings) *string { return &s.GraphQL.Path }, urlPath),
	truth("GraphQL", "FRAISEQL_GRAPHIQL", "graphiql", "false",
		"Whether GraphiQL, an editor for the browser, is served at /.",
		func(s *Settings) *bool { return &s.GraphQL.GraphiQL }),
	boolChoice("GraphQL", "FRAISEQL_DEFINITIONS", "definitions",
		"Whether JSON definitions are answered at /definitions. auto is false where FRAISEQL_TRUSTED_DOCUMENTS is set, else true.",
		func(s *Settings) *string { return &s.GraphQL.Definitions }),
	choice("GraphQL", "FRAISEQL_INTROSPECTION", "introspection",
		"Who may ask for the schema (__schema and __type): everyone, requests that prove who they are from, or nobody.",
		func(s *Settings) *string { return &s.GraphQL.Introspection },
		IntrospectionPublic, IntrospectionAuthenticated, IntrospectionOff),
	list("GraphQL", "FRAISEQL_SCHEMAS", "schemas", schemasAllowed,
		"The database schemas that are served. Not set: each that the role may use.",
		func(s *Settings) *[]string { return &s.GraphQL.Schemas }, anyText),
	word("GraphQL", "FRAISEQL_TENANT_SCHEMA", "tenant-schema", "", "the name of a schema",
		"The schema that stands for those of all tenants, which have the same tables: "+
			"a request finds them in the schema that FRAISEQL_JWT_TENANT_CLAIM names. Not set: there are no tenants.",
		func(s *Settings) *string { return &s.GraphQL.TenantSchema }, plain),
	choice("GraphQL", "FRAISEQL_SCHEMA_RELOAD", "schema-reload",
		"Whether a change of the database's schema is noticed while serving: listen waits for a notification that a DDL event trigger sends. "+
			"SIGHUP and the admin call reload in any case.",
		func(s *Settings) *string { return &s.GraphQL.SchemaReload }, ReloadOff, ReloadListen),
	choice("GraphQL", "FRAISEQL_QUERY_TX", "query-tx",
		"What the root fields of one query see: none runs each by itself, side by side; document gives all one snapshot.",
		func(s *Settings) *string { return &s.GraphQL.QueryTx }, TxNone, TxDocument),
	count("GraphQL", "FRAISEQL_PLAN_CACHE_SIZE", "plan-cache-size", "1000", 0, maxStatements,
		"How many plans of documents are kept. 0: none.",
		func(s *Settings) *int { return &s.GraphQL.PlanCacheSize }),
	count("GraphQL", "FRAISEQL_APQ_BYTES", "apq-bytes", "8388608", 0, maxBytes,
		"The most bytes of automatic persisted queries that are kept. 0: they are switched off.",
		func(s *Settings) *int { return &s.GraphQL.APQBytes }),
	word("GraphQL", "FRAISEQL_TRUSTED_DOCUMENTS", "trusted-documents", "", fileAllowed,
		"A JSON file of documents by id. Where it is set no other document is run.",
		func(s *Settings) *string { return &s.GraphQL.TrustedDocuments }, fileName),
	count("GraphQL", "FRAISEQL_BATCH_MAX", "batch-max", "0", 0, 1000,
		"The most requests that one body may have in an array. 0: an array is refused.",
		func(s *Settings) *int { return &s.GraphQL.BatchMax }),
	list("GraphQL", "FRAISEQL_ERROR_SQLSTATES", "error-sqlstates",
		"SQLSTATEs of errors with commas between them, such as P0001,UX001",
		"The errors whose message the database may tell to clients: those that functions of yours raise. Not set: none.",
		func(s *Settings) *[]string { return &s.GraphQL.ErrorSQLStates }, sqlstate),
}

// limit is a row of Limits.
func limit(env, flag, def, doc string, field func(*Limits) *int) Setting {
	return count("Limits of a document", env, flag, def, 0, maxBytes, doc+" 0: no limit.",
		func(s *Settings) *int { return field(&s.Limits) })
}

// limitRows bound what one document may ask for.
var limitRows = []Setting{
	limit("FRAISEQL_LIMIT_BYTES", "limit-bytes", "100000", "The most bytes of a document.",
		func(l *Limits) *int { return &l.Bytes }),
	limit("FRAISEQL_LIMIT_TOKENS", "limit-tokens", "2000", "The most tokens of a document.",
		func(l *Limits) *int { return &l.Tokens }),
	limit("FRAISEQL_LIMIT_DEPTH", "limit-depth", "15", "The most fields inside fields, through fragments.",
		func(l *Limits) *int { return &l.Depth }),
	limit("FRAISEQL_LIMIT_ALIASES", "limit-aliases", "30", "The most aliases, through fragments.",
		func(l *Limits) *int { return &l.Aliases }),
	limit("FRAISEQL_LIMIT_ROOTS", "limit-roots", "20", "The most root fields of an operation.",
		func(l *Limits) *int { return &l.Roots }),
	limit("FRAISEQL_LIMIT_DIRECTIVES", "limit-directives", "50", "The most directives.",
		func(l *Limits) *int { return &l.Directives }),
	limit("FRAISEQL_LIMIT_FRAGMENTS", "limit-fragments", "100", "The most fragment definitions.",
		func(l *Limits) *int { return &l.Fragments }),
	limit("FRAISEQL_LIMIT_COST", "limit-cost", "5000", "The most cost that an operation is estimated at.",
		func(l *Limits) *int { return &l.Cost }),
	limit("FRAISEQL_LIMIT_INPUT_DEPTH", "limit-input-depth", "32", "The most lists and objects inside each other in an argument or a variable.",
		func(l *Limits) *int { return &l.InputDepth }),
	limit("FRAISEQL_LIMIT_ERRORS", "limit-errors", "20", "The most errors that an answer tells.",
		func(l *Limits) *int { return &l.Errors }),
	limit("FRAISEQL_LIMIT_INTROSPECTION_DEPTH", "limit-introspection-depth", "20", "The most fields inside fields below __schema and __type.",
		func(l *Limits) *int { return &l.IntrospectionDepth }),
	limit("FRAISEQL_LIMIT_VARIABLE_BYTES", "limit-variable-bytes", "1000000", "The most bytes of the variables.",
		func(l *Limits) *int { return &l.VariableBytes }),
}
