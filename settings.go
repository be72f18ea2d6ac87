package fraiseql

import (
	"log/slog"
	"maps"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/graphql"
)

// The functions of this file say what Settings mean to each package. Open calls
// them; whoever opens the parts by hand can do so too.

// Config parses dsn and adds what s pins for every session. getenv is where PG*
// variables are looked up. Errors carry backend.CodeConfiguration.
func Config(dsn string, s *flags.Settings, getenv func(string) string) (backend.Config, error) {
	cfg, err := backend.ParseDSN(dsn, getenv)
	if err != nil {
		return backend.Config{}, err
	}
	session := map[string]string{"timezone": s.TimeZone}
	if s.QueryTimeout > 0 {
		// The client's own deadline comes at the same time; this one still ends the
		// statement where the client is gone.
		session["statement_timeout"] = strconv.FormatInt(s.QueryTimeout.Milliseconds(), 10)
	}
	maps.Copy(session, cfg.Session)
	if len(s.SearchPath) > 0 {
		session["search_path"] = searchPath(s.SearchPath)
	}
	cfg.Session = session
	if cfg.ApplicationName == "" {
		cfg.ApplicationName = "fraiseql"
	}
	cfg.Pooler = cfg.Pooler || s.Pooler == flags.PoolerTransaction
	cfg.StatementCacheSize = s.StatementCacheSize
	if s.StatementCacheSize == 0 {
		cfg.StatementCacheSize = -1 // Config's zero means the default
	}
	return cfg, nil
}

// BackendOptions are the options of all.Backends.
func BackendOptions(s *flags.Settings) []all.Option {
	options := []all.Option{all.WithPgxMode(s.ExecMode()), all.WithBinary(codec.HasBinary)}
	if s.BinaryParameters() {
		options = append(options, all.WithBinaryParameters())
	}
	if s.Pooler == flags.PoolerTransaction {
		options = append(options, all.WithPooler())
	}
	return options
}

// ExecutorOptions are the options of executor.Open.
func ExecutorOptions(s *flags.Settings) []executor.Option {
	options := []executor.Option{
		executor.WithMaxConns(s.MaxConnections),
		executor.WithMinIdle(s.MinIdle),
		executor.WithMaxWaiting(s.MaxWaiting),
		executor.WithAcquireTimeout(s.ConnectionTimeout),
		executor.WithIdleTimeout(orNever(s.IdleTimeout)),
		executor.WithMaxLifetime(orNever(s.MaxLifetime)),
		executor.WithQueryTimeout(orNever(s.QueryTimeout)),
		executor.WithRetries(s.MaxRetries),
	}
	if s.LogPerformance {
		options = append(options, executor.WithSlowLog(slog.Default(), s.PerformanceThreshold))
	}
	return options
}

// orNever: a setting of 0 means never, which options spell as a negative value.
func orNever[T ~int | ~int64](d T) T {
	if d == 0 {
		return -1
	}
	return d
}

// SchemaOptions are the options of builder.NewSchema.
func SchemaOptions(s *flags.Settings) builder.SchemaOptions {
	return builder.SchemaOptions{
		Codec: codec.Options{
			BigIntString: s.BigInt == flags.BigIntString,
			CamelKeys:    s.JSONKeys == flags.KeysCamel,
		},
		MaxRows:  s.MaxRows,
		MaxDepth: relationDepth(orNever(s.Limits.Depth)),
		Tenant:   s.GraphQL.TenantSchema,
	}
}

// relationDepth bounds how deep relations nest: never less than fields may in
// documents of GraphQL, which have a bound of their own; below 0 is none.
func relationDepth(fields int) int {
	if fields < 0 {
		return fields
	}
	return max(fields, graphql.DefaultLimits().Depth)
}

// searchPath quotes schemas for the search_path setting.
func searchPath(schemas []string) string {
	quoted := make([]string, len(schemas))
	for i, name := range schemas {
		quoted[i] = `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	}
	return strings.Join(quoted, ", ")
}
