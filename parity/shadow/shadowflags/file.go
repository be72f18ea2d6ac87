package shadowflags

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
)

// File is an OpenFeature provider of a file in flagd's format:
//
//	{"flags": {"fraiseql-shadow-stage": {
//	  "state": "ENABLED", "variants": {"on": "shadow", "off": "off"}, "defaultVariant": "off",
//	  "targeting": {"if": [{"==": [{"var": "tenant"}, "acme"]}, "on"]}}}}
//
// Targeting knows if, ==, ===, !=, !==, in, starts_with, ends_with, and, or, ! and
// var. Anything else is an error of the flag, never a guess. The file is read again
// within a second of a change; one that can't be read is an error of every flag.
type File struct {
	path string

	mu      sync.Mutex
	looked  time.Time
	changed time.Time
	size    int64
	flags   map[string]flag
	err     error
}

var _ openfeature.FeatureProvider = (*File)(nil)

// NewFile reads path; the error says what is wrong with it.
func NewFile(path string) (*File, error) {
	f := &File{path: path}
	if _, err := f.look(); err != nil {
		return nil, err
	}
	return f, nil
}

type flag struct {
	State          string          `json:"state"`
	Variants       map[string]any  `json:"variants"`
	DefaultVariant *string         `json:"defaultVariant"`
	Targeting      json.RawMessage `json:"targeting"`
}

// lookEvery is how old what was read may be.
const lookEvery = 250 * time.Millisecond

// look reads the file where it has changed.
func (f *File) look() (map[string]flag, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) < lookEvery {
		return f.flags, f.err
	}
	f.looked = time.Now()
	info, err := os.Stat(f.path)
	if err != nil {
		f.flags, f.err = nil, fmt.Errorf("flags: %w", err)
		return nil, f.err
	}
	if f.flags != nil && info.ModTime().Equal(f.changed) && info.Size() == f.size {
		return f.flags, f.err
	}
	f.changed, f.size = info.ModTime(), info.Size()
	f.flags, f.err = readFile(f.path)
	return f.flags, f.err
}

// maxFile bounds a file of flags.
const maxFile = 1 << 20

func readFile(path string) (map[string]flag, error) {
	text, err := os.ReadFile(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("flags: %w", err)
	case len(text) > maxFile:
		return nil, fmt.Errorf("flags: %s is larger than %d bytes", path, maxFile)
	}
	var file struct {
		Flags map[string]flag `json:"flags"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("flags: %s: %w", path, err)
	}
	if file.Flags == nil {
		return nil, fmt.Errorf(`flags: %s has no "flags"`, path)
	}
	return file.Flags, nil
}

// Metadata implements openfeature.FeatureProvider.
func (*File) Metadata() openfeature.Metadata { return openfeature.Metadata{Name: "fraiseql file"} }

// Hooks implements openfeature.FeatureProvider.
func (*File) Hooks() []openfeature.Hook { return nil }

// evaluate is the value of a flag, as JSON has it.
func evaluate[T any](f *File, key string, def T, at openfeature.FlattenedContext, as func(any) (T, bool)) (T, openfeature.ProviderResolutionDetail) {
	flags, err := f.look()
	if err != nil {
		return def, openfeature.ProviderResolutionDetail{ResolutionError: openfeature.NewGeneralResolutionError(err.Error()), Reason: openfeature.ErrorReason}
	}
	fl, ok := flags[key]
	if !ok {
		return def, openfeature.ProviderResolutionDetail{
			ResolutionError: openfeature.NewFlagNotFoundResolutionError(fmt.Sprintf("there is no flag %q", key)), Reason: openfeature.ErrorReason,
		}
	}
	if fl.State == "DISABLED" {
		return def, openfeature.ProviderResolutionDetail{Reason: openfeature.DisabledReason}
	}
	variant, reason, err := fl.variant(at)
	if err != nil {
		return def, openfeature.ProviderResolutionDetail{
			ResolutionError: openfeature.NewParseErrorResolutionError(fmt.Sprintf("flag %q: %v", key, err)), Reason: openfeature.ErrorReason,
		}
	}
	if variant == "" {
		return def, openfeature.ProviderResolutionDetail{Reason: openfeature.DefaultReason}
	}
	value, there := fl.Variants[variant]
	v, ok := as(value)
	switch {
	case !there:
		return def, openfeature.ProviderResolutionDetail{
			ResolutionError: openfeature.NewGeneralResolutionError(fmt.Sprintf("flag %q has no variant %q", key, variant)), Reason: openfeature.ErrorReason,
		}
	case !ok:
		return def, openfeature.ProviderResolutionDetail{
			ResolutionError: openfeature.NewTypeMismatchResolutionError(fmt.Sprintf("flag %q: variant %q is %T", key, variant, value)), Reason: openfeature.ErrorReason,
		}
	}
	return v, openfeature.ProviderResolutionDetail{Reason: reason, Variant: variant}
}

// variant is the name of the variant, "" where the code's default holds.
func (f *flag) variant(at openfeature.FlattenedContext) (string, openfeature.Reason, error) {
	if f.State != "ENABLED" {
		return "", "", fmt.Errorf("state %q: want ENABLED or DISABLED", f.State)
	}
	def := ""
	if f.DefaultVariant != nil {
		def = *f.DefaultVariant
	}
	if len(f.Targeting) == 0 || string(f.Targeting) == "{}" || string(f.Targeting) == "null" {
		return def, openfeature.StaticReason, nil
	}
	var rule any
	if err := json.Unmarshal(f.Targeting, &rule); err != nil {
		return "", "", fmt.Errorf("targeting: %w", err)
	}
	got, err := apply(rule, at, 0)
	switch v := got.(type) {
	case string:
		return v, openfeature.TargetingMatchReason, err
	case nil:
		return def, openfeature.DefaultReason, err
	case bool:
		return strconv.FormatBool(v), openfeature.TargetingMatchReason, err
	}
	return "", "", errors.Join(err, fmt.Errorf("targeting gives %v: want the name of a variant", got))
}

// BooleanEvaluation implements openfeature.FeatureProvider.
func (f *File) BooleanEvaluation(_ context.Context, key string, def bool, at openfeature.FlattenedContext) openfeature.BoolResolutionDetail {
	v, d := evaluate(f, key, def, at, func(v any) (bool, bool) { b, ok := v.(bool); return b, ok })
	return openfeature.BoolResolutionDetail{Value: v, ProviderResolutionDetail: d}
}

// StringEvaluation implements openfeature.FeatureProvider.
func (f *File) StringEvaluation(_ context.Context, key, def string, at openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	v, d := evaluate(f, key, def, at, func(v any) (string, bool) { s, ok := v.(string); return s, ok })
	return openfeature.StringResolutionDetail{Value: v, ProviderResolutionDetail: d}
}

// FloatEvaluation implements openfeature.FeatureProvider.
func (f *File) FloatEvaluation(_ context.Context, key string, def float64, at openfeature.FlattenedContext) openfeature.FloatResolutionDetail {
	v, d := evaluate(f, key, def, at, func(v any) (float64, bool) { n, ok := v.(float64); return n, ok })
	return openfeature.FloatResolutionDetail{Value: v, ProviderResolutionDetail: d}
}

// IntEvaluation implements openfeature.FeatureProvider.
func (f *File) IntEvaluation(_ context.Context, key string, def int64, at openfeature.FlattenedContext) openfeature.IntResolutionDetail {
	v, d := evaluate(f, key, def, at, func(v any) (int64, bool) {
		n, ok := v.(float64)
		return int64(n), ok && n == float64(int64(n))
	})
	return openfeature.IntResolutionDetail{Value: v, ProviderResolutionDetail: d}
}

// ObjectEvaluation implements openfeature.FeatureProvider.
func (f *File) ObjectEvaluation(_ context.Context, key string, def any, at openfeature.FlattenedContext) openfeature.InterfaceResolutionDetail {
	v, d := evaluate(f, key, def, at, func(v any) (any, bool) { return v, v != nil })
	return openfeature.InterfaceResolutionDetail{Value: v, ProviderResolutionDetail: d}
}
