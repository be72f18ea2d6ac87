package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	fraiseql "github.com/fraiseql/fraiseql-go"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

func newDoctor(a *app) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Show what both drivers find: server, session settings, pool, pooler",
		Long: `Connects with both drivers and prints what each finds, side by side: the server's
version and extensions, the role, the session settings that must be alike, how
long a connection and a round trip take, and whether a pooler stands in between.
Exit 4 when the two sessions differ, 1 when one of them can't connect.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of a table")
	return cmd
}

// visit is what one driver found.
type visit struct {
	Backend   string            `json:"backend"`
	Connected bool              `json:"connected"`
	Error     string            `json:"error,omitempty"`
	Code      backend.Code      `json:"code,omitempty"`
	ConnectMS float64           `json:"connect_ms"`
	TripMS    float64           `json:"round_trip_ms"`
	Session   map[string]string `json:"session,omitempty"`

	behindPooler bool // Open says so
}

// diagnosis is the JSON of `fraiseql doctor --json`.
type diagnosis struct {
	Config     string     `json:"config"` // without secrets
	Drivers    []visit    `json:"drivers"`
	Extensions [][]string `json:"extensions"` // name, version
	Differ     []string   `json:"differ"`     // names of what the sessions have differently
	Pooler     string     `json:"pooler"`
}

// sessionSQL reads what must be alike on both, and what names the server.
const sessionSQL = `select name, setting from (
	select name, setting from pg_catalog.pg_settings where name in (
		'server_version', 'TimeZone', 'DateStyle', 'IntervalStyle', 'extra_float_digits', 'bytea_output',
		'client_encoding', 'server_encoding', 'standard_conforming_strings', 'search_path', 'lc_monetary',
		'statement_timeout', 'application_name', 'default_transaction_isolation', 'default_transaction_read_only',
		'max_connections', 'transaction_read_only')
	union all select 'role', current_user::text
	union all select 'database', current_database()::text
	union all select 'in_recovery', pg_catalog.pg_is_in_recovery()::text
	union all select 'ssl', coalesce((select ssl::text from pg_catalog.pg_stat_ssl where pid = pg_catalog.pg_backend_pid()), 'unknown')
) s order by 1`

func (a *app) doctor(ctx context.Context, asJSON bool) error {
	cfg, err := a.config(a.settings.DatabaseURL, a.settings)
	if err != nil {
		return err
	}
	set, err := all.Backends(fraiseql.BackendOptions(a.settings)...)
	if err != nil {
		return err
	}
	d := diagnosis{Config: cfg.String(), Pooler: "none seen"}
	for _, b := range set.All() {
		v, extensions := a.visit(ctx, b, cfg)
		d.Drivers = append(d.Drivers, v)
		if extensions != nil {
			d.Extensions = extensions
		}
	}
	d.Differ = differences(d.Drivers)
	d.Pooler = pooler(d.Drivers, cfg.Pooler)
	if asJSON {
		enc := json.NewEncoder(a.Out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(d); err != nil {
			return err
		}
	} else if err := a.diagnose(&d); err != nil {
		return err
	}
	for _, v := range d.Drivers {
		if !v.Connected {
			return &exit{code: ExitFailed, err: fmt.Errorf("%s can't connect: %s", v.Backend, v.Error), hint: remedy(v)}
		}
	}
	if len(d.Differ) > 0 {
		return &exit{code: ExitMismatch, err: fmt.Errorf("the sessions of the two drivers differ in %s", strings.Join(d.Differ, ", "))}
	}
	return nil
}

// visit connects with b and looks around.
func (a *app) visit(ctx context.Context, b backend.Backend, cfg backend.Config) (v visit, extensions [][]string) {
	v = visit{Backend: backend.ModeOf(b)}
	start := time.Now()
	db, err := executor.Open(ctx, b, cfg, append(fraiseql.ExecutorOptions(a.settings), executor.WithMaxConns(1), executor.WithMinIdle(0))...)
	v.ConnectMS = milliseconds(start)
	if err != nil {
		v.Error, v.Code = err.Error(), backend.CodeOf(err)
		v.behindPooler = errors.Is(err, executor.ErrPooler)
		return v, nil
	}
	defer func() { v.Error = errText(v.Error, db.Close()) }()
	v.Connected = true
	if v.Session, err = pairs(ctx, db, "session settings", sessionSQL); err != nil {
		v.Error = errText(v.Error, err)
		return v, nil
	}
	start = time.Now()
	if _, err := pairs(ctx, db, "round trip", "select 'a', 'b'"); err != nil {
		v.Error = errText(v.Error, err)
	}
	v.TripMS = milliseconds(start)
	list, err := pairs(ctx, db, "extensions", "select extname::text, extversion from pg_catalog.pg_extension order by 1")
	if err != nil {
		v.Error = errText(v.Error, err)
		return v, nil
	}
	extensions = [][]string{}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		extensions = append(extensions, []string{name, list[name]})
	}
	return v, extensions
}

func errText(text string, err error) string {
	if err == nil {
		return text
	}
	return strings.TrimPrefix(text+"; "+err.Error(), "; ")
}

func milliseconds(since time.Time) float64 {
	return float64(time.Since(since).Microseconds()) / 1000
}

// pairs runs a statement of two text columns.
func pairs(ctx context.Context, r executor.Runner, name, query string) (m map[string]string, err error) {
	rows, err := r.Query(ctx, &builder.Statement{Name: name, SQL: query, Effect: builder.Read})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	m = make(map[string]string)
	for rows.Next() {
		m[string(rows.Values()[0])] = string(rows.Values()[1])
	}
	return m, nil
}

// differences are the names that two sessions have differently.
func differences(visits []visit) []string {
	list := []string{}
	if len(visits) < 2 || visits[0].Session == nil || visits[1].Session == nil {
		return list
	}
	for _, name := range slices.Sorted(maps.Keys(visits[0].Session)) {
		if visits[0].Session[name] != visits[1].Session[name] {
			list = append(list, name)
		}
	}
	return list
}

// pooler guesses what stands before the server. A pooler in transaction mode
// refuses start-up parameters that it does not track, such as extra_float_digits.
func pooler(visits []visit, declared bool) string {
	for _, v := range visits {
		switch {
		case strings.Contains(v.Error, "unsupported startup parameter"):
			return "a connection pooler refuses our start-up parameters; FRAISEQL_DB_POOLER=transaction is needed"
		case v.behindPooler:
			return "the session is not what was asked for: a connection pooler; FRAISEQL_DB_POOLER=transaction is needed"
		case v.Session != nil && v.Session["extra_float_digits"] != "1" && !declared:
			return "start-up parameters did not arrive: a connection pooler ignores them; FRAISEQL_DB_POOLER=transaction is needed"
		}
	}
	if declared {
		return "declared by FRAISEQL_DB_POOLER"
	}
	return "none seen"
}

func remedy(v visit) string {
	switch {
	case v.behindPooler:
		return "a pooler stands before the server: set FRAISEQL_DB_POOLER=transaction"
	case v.Code == backend.CodeServiceUnavailable:
		return "is the server running, and do host and port match? `pg_isready` tells"
	}
	return ""
}

// diagnose prints d for people.
func (a *app) diagnose(d *diagnosis) error {
	fmt.Fprintf(a.Out, "connection  %s\npooler      %s\n", d.Config, d.Pooler)
	var names []string
	for _, e := range d.Extensions {
		names = append(names, e[0]+" "+e[1])
	}
	fmt.Fprintf(a.Out, "extensions  %s\n\n", strings.Join(names, ", "))
	heading := []string{"", ""}
	rows := [][]string{{"connected", ""}, {"connect ms", ""}, {"round trip ms", ""}}
	for _, v := range d.Drivers {
		heading = append(heading, v.Backend)
		rows[0] = append(rows[0], strconv.FormatBool(v.Connected))
		rows[1] = append(rows[1], fmt.Sprintf("%.2f", v.ConnectMS))
		rows[2] = append(rows[2], fmt.Sprintf("%.2f", v.TripMS))
	}
	seen := map[string]bool{}
	for _, v := range d.Drivers {
		for name := range v.Session {
			seen[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		mark := ""
		if slices.Contains(d.Differ, name) {
			mark = a.paint(red, "differs")
		}
		row := []string{name, mark}
		for _, v := range d.Drivers {
			row = append(row, v.Session[name])
		}
		rows = append(rows, row)
	}
	return table(a.Out, heading, rows)
}
