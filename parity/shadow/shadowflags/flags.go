// Package shadowflags decides by OpenFeature in which stage a shadow is, and which
// share of operations it compares, for each kind of operation.
//
//	client := openfeature.NewClient("shop")
//	s, err := shadow.New(ctx, control, from, harness, shadow.WithFlags(shadowflags.Client(client)))
//
// Two flags are asked for: StageFlag, a string (off, describe, shadow, live, done), and
// ShareFlag, a number from 0 to 1. The evaluation context has the attributes class,
// operation, kind (read or write), tenant and role; the targeting key is the tenant, or
// the class where there is none. Where a flag is not there or fails, what is configured
// holds.
package shadowflags

import (
	"context"
	"errors"
	"fmt"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/fraiseql/fraiseql-go/parity/shadow"
)

// The keys of the flags.
const (
	StageFlag = "fraiseql-shadow-stage"
	ShareFlag = "fraiseql-shadow-share"
)

// Client asks c: with its hooks, and whatever provider it has.
func Client(c openfeature.IClient) shadow.Flags { return clientFlags{c} }

type clientFlags struct{ c openfeature.IClient }

// Decide implements shadow.Flags.
func (f clientFlags) Decide(ctx context.Context, c shadow.Call, configured shadow.Decision) (shadow.Decision, error) {
	key, attributes := contextOf(c)
	at := openfeature.NewEvaluationContext(key, attributes)
	stage, stageErr := f.c.StringValueDetails(ctx, StageFlag, configured.Stage.String(), at)
	share, shareErr := f.c.FloatValueDetails(ctx, ShareFlag, configured.Share, at)
	return decision(stage.Value, share.Value, configured, unless(stage.ErrorCode, stageErr), unless(share.ErrorCode, shareErr))
}

// unless is err, but for a flag that is not there: that is no failure.
func unless(code openfeature.ErrorCode, err error) error {
	if code == openfeature.FlagNotFoundCode {
		return nil
	}
	return err
}

// Provider asks p itself: no hooks, no events, nothing global.
func Provider(p openfeature.FeatureProvider) shadow.Flags { return providerFlags{p} }

type providerFlags struct{ p openfeature.FeatureProvider }

// Decide implements shadow.Flags.
func (f providerFlags) Decide(ctx context.Context, c shadow.Call, configured shadow.Decision) (shadow.Decision, error) {
	key, attributes := contextOf(c)
	flat := openfeature.FlattenedContext(attributes)
	flat[openfeature.TargetingKey] = key
	stage := f.p.StringEvaluation(ctx, StageFlag, configured.Stage.String(), flat)
	share := f.p.FloatEvaluation(ctx, ShareFlag, configured.Share, flat)
	return decision(stage.Value, share.Value, configured,
		unless(stage.ResolutionDetail().ErrorCode, stage.Error()), unless(share.ResolutionDetail().ErrorCode, share.Error()))
}

func contextOf(c shadow.Call) (key string, attributes map[string]any) {
	key = c.Tenant
	if key == "" {
		key = c.Class
	}
	return key, map[string]any{"class": c.Class, "operation": c.Operation, "kind": c.Kind, "tenant": c.Tenant, "role": c.Role}
}

func decision(stage string, share float64, configured shadow.Decision, errs ...error) (shadow.Decision, error) {
	d := shadow.Decision{Share: share}
	var err error
	if d.Stage, err = shadow.ParseStage(stage); err != nil {
		errs = append(errs, fmt.Errorf("flag %s: %w", StageFlag, err))
	}
	if !(share >= 0 && share <= 1) { // NaN is neither
		errs = append(errs, fmt.Errorf("flag %s: %v is not from 0 to 1", ShareFlag, share))
	}
	if err := errors.Join(errs...); err != nil {
		return configured, err
	}
	return d, nil
}
