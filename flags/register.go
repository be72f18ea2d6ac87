package flags

import "github.com/spf13/pflag"

// Register adds a flag for each setting to fs. A flag that is given overrides
// what s had; call Load or Validate once the flags are parsed.
func (s *Settings) Register(fs *pflag.FlagSet) {
	for i := range table {
		r := &table[i]
		f := fs.VarPF(&flagValue{row: r, settings: s}, r.Flag, "", r.Doc+" Allowed: "+r.Allowed+". Variable: "+r.Env+".")
		if r.Allowed == boolAllowed {
			f.NoOptDefVal = "true" // --parity-testing
		}
	}
}

// flagValue is one setting as a pflag.Value.
type flagValue struct {
	row      *Setting
	settings *Settings
}

// Set reads the flag's value.
func (f *flagValue) Set(v string) error {
	if err := f.row.set(f.settings, v); err != nil {
		return f.row.problem("--"+f.row.Flag, v)
	}
	name := "--" + f.row.Flag
	f.settings.mark(f.row, source{"flag " + name, name})
	return nil
}

// String is the current value, hidden for a secret one.
func (f *flagValue) String() string {
	if f.row == nil { // pflag asks a zero value for its default
		return ""
	}
	return f.row.Value(f.settings)
}

// Type is what the help text shows behind the flag.
func (f *flagValue) Type() string {
	if f.row.Allowed == boolAllowed {
		return "bool"
	}
	return "string"
}
