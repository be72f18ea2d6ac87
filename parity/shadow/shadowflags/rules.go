package shadowflags

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/open-feature/go-sdk/openfeature"
)

// maxRule bounds how deep a rule may be.
const maxRule = 64

// apply is the value of a rule of JsonLogic (jsonlogic.com), of which this knows the
// part that File names.
func apply(rule any, at openfeature.FlattenedContext, depth int) (any, error) {
	if depth > maxRule {
		return nil, errors.New("targeting: too deep")
	}
	switch r := rule.(type) {
	case map[string]any:
		for op, of := range r {
			if len(r) > 1 {
				return nil, errors.New("targeting: an object has one operator")
			}
			args, ok := of.([]any)
			if !ok {
				args = []any{of}
			}
			return operator(op, args, at, depth+1)
		}
		return map[string]any{}, nil
	case []any:
		list := make([]any, len(r))
		for i := range r {
			var err error
			if list[i], err = apply(r[i], at, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return rule, nil
}

// operator applies op. and, or and if look at no more than they need.
func operator(op string, args []any, at openfeature.FlattenedContext, depth int) (any, error) {
	switch op {
	case "if", "?:":
		return conditional(args, at, depth)
	case "and", "or":
		var last any
		for _, a := range args {
			var err error
			if last, err = apply(a, at, depth); err != nil || truthy(last) == (op == "or") {
				return last, err
			}
		}
		return last, nil
	}
	values, err := apply(args, at, depth)
	if err != nil {
		return nil, err
	}
	v, _ := values.([]any)
	switch {
	case op == "var" && len(v) >= 1 && len(v) <= 2:
		return variable(v, at)
	case op == "!" && len(v) == 1:
		return !truthy(v[0]), nil
	case len(v) != 2:
	case op == "==" || op == "===":
		return reflect.DeepEqual(v[0], v[1]), nil
	case op == "!=" || op == "!==":
		return !reflect.DeepEqual(v[0], v[1]), nil
	case op == "in":
		return within(v[0], v[1])
	case op == "starts_with" || op == "ends_with":
		text, ok := v[0].(string)
		part, ok2 := v[1].(string)
		if op == "starts_with" {
			return ok && ok2 && strings.HasPrefix(text, part), nil
		}
		return ok && ok2 && strings.HasSuffix(text, part), nil
	}
	return nil, fmt.Errorf("targeting: %.32q with %d values is not known here", op, len(v))
}

func conditional(args []any, at openfeature.FlattenedContext, depth int) (any, error) {
	for len(args) > 1 {
		c, err := apply(args[0], at, depth)
		if err != nil {
			return nil, err
		}
		if truthy(c) {
			return apply(args[1], at, depth)
		}
		args = args[2:]
	}
	if len(args) == 0 {
		return nil, nil
	}
	return apply(args[0], at, depth)
}

func variable(v []any, at openfeature.FlattenedContext) (any, error) {
	name, ok := v[0].(string)
	if !ok {
		return nil, fmt.Errorf("targeting: var %v: want a name", v[0])
	}
	if value, there := at[name]; there {
		return value, nil
	}
	if len(v) == 2 {
		return v[1], nil
	}
	return nil, nil
}

func within(what, where any) (any, error) {
	switch w := where.(type) {
	case []any:
		return slices.ContainsFunc(w, func(x any) bool { return reflect.DeepEqual(what, x) }), nil
	case string:
		part, ok := what.(string)
		return ok && strings.Contains(w, part), nil
	}
	return false, nil
}

// truthy is JsonLogic's.
func truthy(v any) bool {
	switch x := v.(type) {
	case nil:
		return false
	case bool:
		return x
	case string:
		return x != ""
	case float64:
		return x != 0
	case []any:
		return len(x) > 0
	}
	return true
}
