package graphql

// Limits bound what one document may ask for. A member that is zero has its
// default, a negative one is no bound.
type Limits struct {
	Bytes        int `json:"bytes,omitempty"         yaml:"bytes"`         // of the document; 100,000
	Tokens       int `json:"tokens,omitempty"        yaml:"tokens"`        // 2,000
	Depth        int `json:"depth,omitempty"         yaml:"depth"`         // fields inside fields, through fragments; 15
	Aliases      int `json:"aliases,omitempty"       yaml:"aliases"`       // through fragments; 30
	Roots        int `json:"roots,omitempty"         yaml:"roots"`         // root fields of an operation; 20
	Directives   int `json:"directives,omitempty"    yaml:"directives"`    // 50
	Fragments    int `json:"fragments,omitempty"     yaml:"fragments"`     // definitions; 100
	Cost         int `json:"cost,omitempty"          yaml:"cost"`          // see cost.go; 5,000
	InputDepth   int `json:"input_depth,omitempty"   yaml:"input_depth"`   // lists and objects in an argument or variable; 32
	Errors       int `json:"errors,omitempty"        yaml:"errors"`        // errors told; 20
	Introspect   int `json:"introspect,omitempty"    yaml:"introspect"`    // depth of __schema and __type; 20
	VariableSize int `json:"variable_size,omitempty" yaml:"variable_size"` // bytes of the variables; 1,000,000
}

// DefaultLimits are the limits that zero members stand for.
func DefaultLimits() Limits {
	return Limits{
		Bytes: 100_000, Tokens: 2_000, Depth: 15, Aliases: 30, Roots: 20, Directives: 50, Fragments: 100,
		Cost: 5_000, InputDepth: 32, Errors: 20, Introspect: 20, VariableSize: 1_000_000,
	}
}

// withDefaults is l with the defaults in place of zeros.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, m := range []struct{ have, def *int }{
		{&l.Bytes, &d.Bytes},
		{&l.Tokens, &d.Tokens},
		{&l.Depth, &d.Depth},
		{&l.Aliases, &d.Aliases},
		{&l.Roots, &d.Roots},
		{&l.Directives, &d.Directives},
		{&l.Fragments, &d.Fragments},
		{&l.Cost, &d.Cost},
		{&l.InputDepth, &d.InputDepth},
		{&l.Errors, &d.Errors},
		{&l.Introspect, &d.Introspect},
		{&l.VariableSize, &d.VariableSize},
	} {
		if *m.have == 0 {
			*m.have = *m.def
		}
	}
	return l
}
