package builder

import "github.com/fraiseql/fraiseql-go/codec"

const (
	searchKinds = codec.KindTSVector | codec.KindText
	searchDoc   = " On a text column the text is turned into a tsvector first, by the same configuration. " +
		"Without config the server's default_text_search_config counts."
)

// ranks are the eight comparisons of a search rank.
func ranks() []Operator {
	var rows []Operator
	for _, fn := range []struct{ prefix, sql, doc string }{
		{"rank", "ts_rank", "The rank (ts_rank)"}, {"rank_cd", "ts_rank_cd", "The cover density rank (ts_rank_cd)"},
	} {
		for _, c := range []struct{ name, sql, word string }{
			{"gt", ">", "greater than"}, {"gte", ">=", "at least"}, {"lt", "<", "less than"}, {"lte", "<=", "at most"},
		} {
			rows = append(rows, Operator{
				Name: fn.prefix + "_" + c.name, Family: "full text", Accepts: searchKinds, Operand: Rank,
				SQL:     fn.sql + "({vec}, plainto_tsquery({c}{v})) " + c.sql + " {t}",
				Doc:     fn.doc + " of a plain query is " + c.word + " the threshold." + searchDoc,
				Example: `{"search": {"` + fn.prefix + "_" + c.name + `": {"query": "postgres", "threshold": 0.05}}}`,
			})
		}
	}
	return rows
}

var searchOperators = append([]Operator{
	{
		Name: "matches", Aliases: []string{"search"}, Family: "full text", Accepts: searchKinds, Operand: Search, SQL: "{vec} @@ to_tsquery({c}{v})",
		Doc:     "Matches the query in tsquery syntax: & | ! <-> and parentheses; the server refuses a malformed one." + searchDoc,
		Example: `{"search": {"matches": "fat & (rat | cat)"}}`,
	},
	{
		Name: "plain_query", Aliases: []string{"plainto_tsquery"}, Family: "full text", Accepts: searchKinds, Operand: Search,
		SQL: "{vec} @@ plainto_tsquery({c}{v})", Doc: "Has all words of the text; no syntax." + searchDoc, Example: `{"search": {"plain_query": "fat rats"}}`,
	},
	{
		Name: "phrase_query", Aliases: []string{"phraseto_tsquery"}, Family: "full text", Accepts: searchKinds, Operand: Search,
		SQL: "{vec} @@ phraseto_tsquery({c}{v})", Doc: "Has the words of the text one after the other." + searchDoc,
		Example: `{"search": {"phrase_query": "fat rats"}}`,
	},
	{
		Name: "websearch_query", Aliases: []string{"websearch_to_tsquery", "websearch"}, Family: "full text", Accepts: searchKinds, Operand: Search,
		SQL:     "{vec} @@ websearch_to_tsquery({c}{v})",
		Doc:     `Matches as a search engine would: words, "phrases", or, -without. Never an error of syntax.` + searchDoc,
		Example: `{"search": {"websearch_query": {"query": "\"fat rat\" -cat", "config": "english"}}}`,
	},
}, ranks()...)

// within is the SQL of being inside one of the networks.
func within(nets string) string {
	return "{x} <<= ANY('{" + nets + "}'::inet[])"
}

// The address blocks that the is_… operators of the network family stand for.
const (
	netPrivate       = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"
	netLoopback      = "127.0.0.0/8,::1/128"
	netLinkLocal     = "169.254.0.0/16,fe80::/10"
	netMulticast     = "224.0.0.0/4,ff00::/8"
	netDocumentation = "192.0.2.0/24,198.51.100.0/24,203.0.113.0/24,2001:db8::/32"
	netCarrierGrade  = "100.64.0.0/10"
	netReserved      = "0.0.0.0/8,192.0.0.0/24,198.18.0.0/15,240.0.0.0/4,::/128"
)

func network(name, sql, doc string) Operator {
	return Operator{
		Name: name, Family: "network", Accepts: codec.KindInet, Operand: Flag, SQL: sql, Doc: doc,
		Example: `{"ip": {"` + name + `": true}}`,
	}
}

func subnet(name, sql, doc, operand string, aliases ...string) Operator {
	return Operator{
		Name: name, Aliases: aliases, Family: "network", Accepts: codec.KindInet, SQL: sql, Doc: doc, cast: "inet",
		Example: `{"ip": {"` + name + `": "` + operand + `"}}`,
	}
}

var networkOperators = []Operator{
	network("is_ipv4", "family({x}) = 4", "An IPv4 address or network."),
	network("is_ipv6", "family({x}) = 6", "An IPv6 address or network."),
	network("is_private", within(netPrivate), "Within "+netPrivate+" (RFC 1918, RFC 4193). Loopback and link-local are not private."),
	network("is_loopback", within(netLoopback), "Within "+netLoopback+"."),
	network("is_link_local", within(netLinkLocal), "Within "+netLinkLocal+"."),
	network("is_multicast", within(netMulticast), "Within "+netMulticast+"."),
	network("is_documentation", within(netDocumentation), "Within "+netDocumentation+"."),
	network("is_carrier_grade", within(netCarrierGrade), "Within "+netCarrierGrade+" (RFC 6598)."),
	network("is_public", "NOT ("+within(netPrivate+","+netLoopback+","+netLinkLocal+","+netMulticast+","+netDocumentation+","+
		netCarrierGrade+","+netReserved)+")", "In none of the blocks above, nor in "+netReserved+"."),
	subnet("in_subnet", "{x} <<= {v}", "Within the network, or equal to it.", "10.0.0.0/8", "inrange", "in_range"),
	subnet("strictly_in_subnet", "{x} << {v}", "Within the network and smaller than it.", "10.0.0.0/8"),
	subnet("contains_subnet", "{x} >>= {v}", "A network that contains the given one, or equals it.", "10.1.0.0/16", "subnet_contains"),
	subnet("contains_ip", "{x} >>= {v}", "A network that contains the address, or is that address.", "10.1.2.3"),
	subnet("overlaps", "{x} && {v}", "One of the two networks contains the other.", "10.0.0.0/8", "subnet_overlaps"),
}

func ltree(name, sql, cast, doc, operand string, aliases ...string) Operator {
	return Operator{
		Name: name, Aliases: aliases, Family: "ltree", Accepts: codec.KindLTree, Operand: Text, SQL: sql, cast: cast, Doc: doc,
		Example: `{"path": {"` + name + `": ` + operand + `}}`,
	}
}

var ltreeOperators = append([]Operator{
	ltree("ancestor_of", "{x} @> {v}", "{s}.ltree", "An ancestor of the path, or the path itself.", `"Top.Science.Astronomy"`, "is_ancestor"),
	ltree("descendant_of", "{x} <@ {v}", "{s}.ltree", "A descendant of the path, or the path itself.", `"Top.Science"`, "is_descendant", "isdescendant"),
	ltree("matches_lquery", "{x} ~ {v}", "{s}.lquery", "Matches the lquery pattern.", `"*.Astronomy.*"`),
	ltree("matches_ltxtquery", "{x} @ {v}", "{s}.ltxtquery", "Matches the full-text-like query.", `"Science & !Hobbies"`),
	func() Operator {
		op := ltree("matches_any_lquery", "{x} ? {v}", "{s}.lquery[]", "Matches one of the lquery patterns.", `["Top.*", "*.Stars"]`)
		op.Operand = TextList
		return op
	}(),
}, lengths("depth", "number of labels", "ltree", codec.KindLTree, "nlevel({x})")...)

func distance(name, op, ext string, accepts codec.Kind, only []string, doc, example string) Operator {
	return Operator{
		Name: name, Family: "distance", Accepts: accepts, Operand: Distance, SQL: "({x} " + op + " {v}) {cmp} {t}", Extension: ext,
		only: only, Doc: doc + ` comparison is lte where it is left out, else lt, lte, gt or gte.`,
		Example: example,
	}
}

var distanceOperators = []Operator{
	distance("distance", "<->", "", codec.KindGeometric, []string{"point", "box", "lseg", "polygon", "circle"},
		"The distance to a value of the same type, in the units of the coordinates.", `{"place": {"distance": {"to": "(0,0)", "threshold": 5}}}`),
	{
		Name: "contains_point", Family: "geometric", Accepts: codec.KindGeometric, cast: "point", SQL: "{x} @> {v}",
		only: []string{"box", "path", "polygon", "circle"},
		Doc:  "Contains the point.", Example: `{"area": {"contains_point": "(1,2)"}}`,
	},
	{
		Name: "overlaps", Family: "geometric", Accepts: codec.KindGeometric, SQL: "{x} && {v}", only: []string{"box", "polygon", "circle"},
		Doc: "Shares a point with the other.", Example: `{"area": {"overlaps": "((0,0),(2,2))"}}`,
	},
	distance("distance", "<->", "", codec.KindCube, nil, "The Euclidean distance of two cubes.", `{"at": {"distance": {"to": "(1,2,3)", "threshold": 2}}}`),
	{
		Name: "contains", Family: "cube", Accepts: codec.KindCube, SQL: "{x} @> {v}",
		Doc: "Contains the cube.", Example: `{"at": {"contains": "(1,2,3)"}}`,
	},
	{
		Name: "contained_by", Family: "cube", Accepts: codec.KindCube, SQL: "{x} <@ {v}",
		Doc: "Lies within the cube.", Example: `{"at": {"contained_by": "(0,0,0),(9,9,9)"}}`,
	},
	{
		Name: "overlaps", Family: "cube", Accepts: codec.KindCube, SQL: "{x} && {v}",
		Doc: "Shares a point with the cube.", Example: `{"at": {"overlaps": "(0,0,0),(9,9,9)"}}`,
	},
	distance("l2_distance", "<->", "vector", codec.KindVector, nil, "Euclidean distance (pgvector).",
		`{"embedding": {"l2_distance": {"to": "[1,2,3]", "threshold": 0.5}}}`),
	distance("l1_distance", "<+>", "vector", codec.KindVector, nil, "Taxicab distance (pgvector).",
		`{"embedding": {"l1_distance": {"to": "[1,2,3]", "threshold": 0.5}}}`),
	distance("cosine_distance", "<=>", "vector", codec.KindVector, nil, "Cosine distance (pgvector).",
		`{"embedding": {"cosine_distance": {"to": "[1,2,3]", "threshold": 0.5}}}`),
	distance("inner_product", "<#>", "vector", codec.KindVector, nil, "The negative inner product (pgvector): less is nearer.",
		`{"embedding": {"inner_product": {"to": "[1,2,3]", "threshold": -0.5}}}`),
	distance("hamming_distance", "<~>", "vector", codec.KindBit, nil, "Hamming distance of bit strings (pgvector).",
		`{"bits": {"hamming_distance": {"to": "101", "threshold": 1}}}`),
	distance("jaccard_distance", "<%>", "vector", codec.KindBit, nil, "Jaccard distance of bit strings (pgvector).",
		`{"bits": {"jaccard_distance": {"to": "101", "threshold": 0.5}}}`),
}
