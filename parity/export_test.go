package parity

// WithoutRule takes a rule, or a row of the ledger, out of force.
func WithoutRule(name string) Option { return option(func(h *Harness) { h.without = name }) }
