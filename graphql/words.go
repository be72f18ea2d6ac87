package graphql

import "strings"

// arguments are the arguments that definitions have other words for.
var arguments = map[string]string{"filters": "filter", "all_rows": "allRows", "max_affected": "maxAffected"}

// inGraphQL says with the words of GraphQL what the packages below say with those
// of definitions.
var inGraphQL = strings.NewReplacer(
	`say "all_rows": true`, "say allRows: true",
	"all_rows and a filter", "allRows and a filter",
	"; max_affected is ", "; maxAffected is ",
	"is_null finds NULL", "isNull finds NULL",
	"say is_null", "say isNull",
)
