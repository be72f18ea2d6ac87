package graphql

import (
	"io"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// printSDL writes a schema in the schema definition language (spec, section 3),
// without what every schema has. The same schema is the same text: types stand by
// name, their fields in their own order.
func printSDL(schema *ast.Schema, w io.Writer) error {
	var p sdl
	p.roots(schema)
	for _, d := range sortedDirectives(schema) {
		if d.Position == nil || d.Position.Src == nil || !d.Position.Src.BuiltIn {
			p.directive(d)
		}
	}
	for _, def := range sortedTypes(schema) {
		if !def.BuiltIn && !strings.HasPrefix(def.Name, "__") {
			p.definition(def)
		}
	}
	_, err := w.Write(p.b)
	return err
}

type sdl struct{ b []byte }

func (p *sdl) text(parts ...string) {
	for _, s := range parts {
		p.b = append(p.b, s...)
	}
}

// begin leaves a blank line between definitions.
func (p *sdl) begin(description string) {
	if len(p.b) > 0 {
		p.text("\n")
	}
	p.description(description, "")
}

// roots writes "schema" where the names of the roots do not say it all.
func (p *sdl) roots(schema *ast.Schema) {
	usual := schema.Description == "" && (schema.Subscription != nil || schema.Types["Subscription"] == nil)
	var lines []string
	for _, root := range []struct {
		operation, name string
		def             *ast.Definition
	}{{"query", "Query", schema.Query}, {"mutation", "Mutation", schema.Mutation}, {"subscription", "Subscription", schema.Subscription}} {
		if root.def != nil {
			usual = usual && root.def.Name == root.name
			lines = append(lines, "  "+root.operation+": "+root.def.Name+"\n")
		}
	}
	if usual {
		return
	}
	p.begin(schema.Description)
	p.text("schema {\n")
	p.text(lines...)
	p.text("}\n")
}

// description writes a description as a block string, on one line if it is one.
func (p *sdl) description(text, indent string) {
	if text == "" {
		return
	}
	escaped := strings.ReplaceAll(text, `"""`, `\"""`)
	last := text[len(text)-1]
	if len(text) < 100 && !strings.ContainsAny(text, "\n\r") && last != '"' && last != '\\' && text[0] != ' ' && text[0] != '\t' {
		p.text(indent, `"""`, escaped, `"""`, "\n")
		return
	}
	p.text(indent, `"""`, "\n")
	for line := range strings.SplitSeq(escaped, "\n") {
		if line == "" {
			p.text("\n")
			continue
		}
		p.text(indent, line, "\n")
	}
	p.text(indent, `"""`, "\n")
}

var keywords = map[ast.DefinitionKind]string{
	ast.Scalar: "scalar", ast.Object: "type", ast.Interface: "interface", ast.Union: "union", ast.Enum: "enum", ast.InputObject: "input",
}

func (p *sdl) definition(def *ast.Definition) {
	p.begin(def.Description)
	p.text(keywords[def.Kind], " ", def.Name)
	if len(def.Interfaces) > 0 {
		p.text(" implements ", strings.Join(def.Interfaces, " & "))
	}
	p.directives(def.Directives)
	switch def.Kind {
	case ast.Scalar:
		p.text("\n")
		return
	case ast.Union:
		p.text(" = ", strings.Join(def.Types, " | "), "\n")
		return
	default:
	}
	p.text(" {\n")
	for _, value := range def.EnumValues {
		p.description(value.Description, "  ")
		p.text("  ", value.Name)
		p.directives(value.Directives)
		p.text("\n")
	}
	for _, f := range def.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		p.description(f.Description, "  ")
		p.text("  ", f.Name)
		p.arguments(f.Arguments, "  ")
		p.text(": ", f.Type.String())
		p.defaultValue(f.DefaultValue)
		p.directives(f.Directives)
		p.text("\n")
	}
	p.text("}\n")
}

func (p *sdl) directive(d *ast.DirectiveDefinition) {
	p.begin(d.Description)
	p.text("directive @", d.Name)
	p.arguments(d.Arguments, "")
	if d.IsRepeatable {
		p.text(" repeatable")
	}
	for i, location := range d.Locations {
		if i == 0 {
			p.text(" on ")
		} else {
			p.text(" | ")
		}
		p.text(string(location))
	}
	p.text("\n")
}

// arguments stand on one line, or on one each where one has a description.
func (p *sdl) arguments(args ast.ArgumentDefinitionList, indent string) {
	if len(args) == 0 {
		return
	}
	described := false
	for _, a := range args {
		described = described || a.Description != ""
	}
	p.text("(")
	for i, a := range args {
		switch {
		case described:
			p.text("\n")
			p.description(a.Description, indent+"  ")
			p.text(indent, "  ")
		case i > 0:
			p.text(", ")
		}
		p.text(a.Name, ": ", a.Type.String())
		p.defaultValue(a.DefaultValue)
		p.directives(a.Directives)
	}
	if described {
		p.text("\n", indent)
	}
	p.text(")")
}

func (p *sdl) defaultValue(value *ast.Value) {
	if value != nil {
		p.text(" = ")
		p.b = appendLiteral(p.b, value)
	}
}

func (p *sdl) directives(all ast.DirectiveList) {
	for _, d := range all {
		p.text(" @", d.Name)
		for i, arg := range d.Arguments {
			if i == 0 {
				p.text("(")
			} else {
				p.text(", ")
			}
			p.text(arg.Name, ": ")
			p.b = appendLiteral(p.b, arg.Value)
		}
		if len(d.Arguments) > 0 {
			p.text(")")
		}
	}
}
