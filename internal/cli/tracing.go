package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/fraiseql/fraiseql-go/flags"
)

const (
	otlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	otlpTraces   = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	otlpProtocol = "OTEL_EXPORTER_OTLP_PROTOCOL"
	// endTracingTimeout bounds how long the end waits for spans to leave.
	endTracingTimeout = 5 * time.Second
)

// tracing makes what sends spans; nil where that is off. Where to is looked up
// here; headers, certificates, timeout, sampler, batches and resource attributes
// are for the library, from the OTEL_ variables of the process.
func (a *app) tracing(ctx context.Context, setting string) (*sdktrace.TracerProvider, error) {
	endpoint, err := a.otlpEndpoint()
	switch {
	case setting == flags.TracingOff || strings.EqualFold(a.getenv("OTEL_SDK_DISABLED"), "true"):
		return nil, nil
	case setting == flags.Auto && (a.getenv(otlpEndpoint) == "" && a.getenv(otlpTraces) == "" || a.getenv("OTEL_TRACES_EXPORTER") == "none"):
		return nil, nil
	case err != nil:
		return nil, err
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", otlpProtocol} {
		v := a.getenv(name)
		if v != "" && v != "http/protobuf" {
			return nil, &exit{
				code: ExitUsage, err: fmt.Errorf("%s=%q: want http/protobuf", name, v),
				hint: "a collector takes that on port 4318; FRAISEQL_TRACING=off sends nothing",
			}
		}
		if v != "" {
			break // the first one counts
		}
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return nil, fmt.Errorf("make the exporter of spans: %w", err)
	}
	from, err := resource.New(ctx, resource.WithAttributes(semconv.ServiceName("fraiseql"), semconv.ServiceVersion(buildVersion())),
		resource.WithTelemetrySDK(), resource.WithFromEnv()) // what comes last wins: OTEL_SERVICE_NAME
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("say where spans are from: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { // the one handler that the library knows
		slog.Warn("spans are lost", "error", err)
	}))
	return sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(from)), nil
}

// otlpEndpoint is where spans are sent: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT as it
// is, or /v1/traces below OTEL_EXPORTER_OTLP_ENDPOINT.
func (a *app) otlpEndpoint() (string, error) {
	name := otlpTraces
	v := a.getenv(name)
	if v == "" {
		name = otlpEndpoint
		if v = a.getenv(name); v == "" {
			v = "http://localhost:4318"
		}
		v = strings.TrimSuffix(v, "/") + "/v1/traces"
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", usage("%s: want a URL such as http://localhost:4318", name) // its value may hold a password
	}
	return v, nil
}

// endTracing sends what is left, and waits a little for it.
func (a *app) endTracing(ctx context.Context, p *sdktrace.TracerProvider) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTracingTimeout)
	defer cancel()
	a.tidy("the exporter of spans", p.Shutdown(ctx))
}

func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
