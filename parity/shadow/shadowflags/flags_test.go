package shadowflags_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"github.com/open-feature/go-sdk/openfeature/memprovider"

	"github.com/fraiseql/fraiseql-go/parity/shadow"
	"github.com/fraiseql/fraiseql-go/parity/shadow/shadowflags"
)

var configured = shadow.Decision{Stage: shadow.StageDescribe, Share: 0.25}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const rules = `{"flags": {
  "fraiseql-shadow-stage": {
    "state": "ENABLED", "variants": {"on": "shadow", "answers": "live", "off": "off", "odd": "nearly", "number": 3}, "defaultVariant": "off",
    "targeting": {"if": [
      {"and": [{"==": [{"var": "tenant"}, "acme"]}, {"==": [{"var": "kind"}, "read"]}]}, "answers",
      {"in": [{"var": "tenant"}, ["b", "c"]]}, "on",
      {"starts_with": [{"var": "operation"}, "query users"]}, "on",
      {"==": [{"var": "tenant"}, "odd"]}, "odd",
      {"==": [{"var": "tenant"}, "number"]}, "number",
      {"==": [{"var": "tenant"}, "none"]}, "missing",
      {"==": [{"var": "tenant"}, "unknown"]}, {"fractional": [1]}]}},
  "fraiseql-shadow-share": {
    "state": "ENABLED", "variants": {"all": 1, "few": 0.01, "odd": 7}, "defaultVariant": "few",
    "targeting": {"if": [{"or": [{"!": {"var": "tenant"}}, {"!=": [{"var": "tenant"}, "much"]}]}, null, "odd"]}}}}`

// TestFile: each rule decides, and what is wrong is an error that leaves what is
// configured.
func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "flags.json")
	write(t, path, rules)
	file, err := shadowflags.NewFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flags := shadowflags.Provider(file)
	for name, tc := range map[string]struct {
		call  shadow.Call
		stage shadow.Stage
		share float64
		fails string
	}{
		"two conditions":   {shadow.Call{Tenant: "acme", Kind: "read"}, shadow.StageLive, 0.01, ""},
		"one of two":       {shadow.Call{Tenant: "acme", Kind: "write"}, shadow.StageOff, 0.01, ""},
		"member":           {shadow.Call{Tenant: "c"}, shadow.StageShadow, 0.01, ""},
		"operation":        {shadow.Call{Operation: "query users"}, shadow.StageShadow, 0.01, ""},
		"default variant":  {shadow.Call{Tenant: "z"}, shadow.StageOff, 0.01, ""},
		"no such stage":    {shadow.Call{Tenant: "odd"}, configured.Stage, configured.Share, "nearly"},
		"wrong type":       {shadow.Call{Tenant: "number"}, configured.Stage, configured.Share, "float64"},
		"no such variant":  {shadow.Call{Tenant: "none"}, configured.Stage, configured.Share, "missing"},
		"unknown operator": {shadow.Call{Tenant: "unknown"}, configured.Stage, configured.Share, "fractional"},
		"share over all":   {shadow.Call{Tenant: "much"}, configured.Stage, configured.Share, "7"},
	} {
		got, err := flags.Decide(t.Context(), tc.call, configured)
		if got != (shadow.Decision{Stage: tc.stage, Share: tc.share}) || (err != nil) != (tc.fails != "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestFileChanges: a change is seen within a second, and a file that breaks leaves
// what is configured.
func TestFileChanges(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "flags.json")
	if _, err := shadowflags.NewFile(path); err == nil {
		t.Error("there is no file")
	}
	write(t, path, `{"flags": {"fraiseql-shadow-stage": {"state": "ENABLED", "variants": {"a": "shadow"}, "defaultVariant": "a"}}}`)
	file, err := shadowflags.NewFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flags := shadowflags.Provider(file)
	is := func(want shadow.Decision, failing bool) {
		t.Helper()
		deadline := time.Now().Add(time.Second)
		for {
			got, err := flags.Decide(t.Context(), shadow.Call{}, configured)
			if got == want && (err != nil) == failing {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%+v, %v; want %+v", got, err, want)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	is(shadow.Decision{Stage: shadow.StageShadow, Share: configured.Share}, false) // a flag that is not there is none
	write(t, path, `{"flags": {"fraiseql-shadow-stage": {"state": "DISABLED", "variants": {"a": "live"}, "defaultVariant": "a"}}}`)
	is(configured, false)
	for _, broken := range []string{`{`, `{}`, `{"flags": {"fraiseql-shadow-stage": {"state": "on"}}}`} {
		write(t, path, broken)
		is(configured, true)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	is(configured, true)
	write(t, path, `{"flags": {}}`)
	is(configured, false)
}

// TestClient: through a client, with a provider in memory.
func TestClient(t *testing.T) {
	t.Parallel()
	api := isolated.NewAPI()
	t.Cleanup(func() { _ = api.Shutdown(context.Background()) })
	evaluator := func(f memprovider.InMemoryFlag, at openfeature.FlattenedContext) (any, openfeature.ProviderResolutionDetail) {
		if at["tenant"] == "acme" {
			return "live", openfeature.ProviderResolutionDetail{Reason: openfeature.TargetingMatchReason}
		}
		return f.Variants[f.DefaultVariant], openfeature.ProviderResolutionDetail{Reason: openfeature.StaticReason}
	}
	provider := memprovider.NewInMemoryProvider(map[string]memprovider.InMemoryFlag{
		shadowflags.StageFlag: {
			State: memprovider.Enabled, DefaultVariant: "on", Variants: map[string]any{"on": "shadow"},
			ContextEvaluator: &evaluator,
		},
	})
	if err := api.SetProviderAndWait(t.Context(), provider); err != nil {
		t.Fatal(err)
	}
	flags := shadowflags.Client(api.NewClient())
	for tenant, want := range map[string]shadow.Stage{"acme": shadow.StageLive, "other": shadow.StageShadow} {
		got, err := flags.Decide(t.Context(), shadow.Call{Tenant: tenant}, configured)
		if err != nil || got != (shadow.Decision{Stage: want, Share: configured.Share}) {
			t.Errorf("%s: %+v, %v", tenant, got, err)
		}
	}
	if err := api.SetProviderAndWait(t.Context(), failing{}); err == nil {
		t.Log("the provider is there")
	}
	if got, err := flags.Decide(t.Context(), shadow.Call{}, configured); got != configured || err == nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// failing is a provider whose every flag fails.
type failing struct{ openfeature.NoopProvider }

func (failing) StringEvaluation(_ context.Context, _, _ string, _ openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	return openfeature.StringResolutionDetail{Value: "live", ProviderResolutionDetail: openfeature.ProviderResolutionDetail{
		ResolutionError: openfeature.NewGeneralResolutionError(errors.New("no network").Error()),
	}}
}
