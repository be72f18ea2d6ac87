package tests

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/server/auth"
)

// TestAuthenticationPage does what docs/how-to/authentication.md says: its SQL, its
// settings, its shell that makes a token, its request, and the answer has to be
// the page's. Only the roles get names of this database's own.
func TestAuthenticationPage(t *testing.T) {
	t.Parallel()
	page := pages(t)["docs/how-to/authentication.md"]
	dsn := pgtest.DB(t)
	pool := pgtest.Open(t, dsn)
	var suffix string
	if err := pool.QueryRowContext(t.Context(), "select '_' || current_database()").Scan(&suffix); err != nil {
		t.Fatal(err)
	}
	page = strings.NewReplacer("web_user", "web_user"+suffix, "web_anonymous", "web_anonymous"+suffix).Replace(page)
	blocks := map[string][]string{}
	for _, m := range fenceForm.FindAllStringSubmatch(page, -1) {
		blocks[m[1]] = append(blocks[m[1]], m[2])
	}
	pgtest.Exec(t, dsn, blocks["sql"]...)
	t.Cleanup(func() {
		for _, role := range []string{"web_user" + suffix, "web_anonymous" + suffix} {
			for _, text := range []string{"drop owned by ", "drop role "} {
				if _, err := pool.ExecContext(context.Background(), text+role); err != nil {
					t.Error(err)
				}
			}
		}
	})
	env := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^export (\w+)=(.*)$`).FindAllStringSubmatch(blocks["sh"][0], -1) {
		env[m[1]] = m[2]
	}
	s, err := flags.Parse(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	who, err := auth.New(fraiseql.AuthOptions(s))
	if err != nil {
		t.Fatal(err)
	}
	defer who.Close()
	db, err := fraiseql.Open(t.Context(), dsn, s)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ask := func(token string) string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/definitions", http.NoBody)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		id, err := who.Authenticate(r)
		if err != nil {
			t.Fatal(err)
		}
		var w strings.Builder
		_ = db.ExecuteJSON(t.Context(), []byte(blocks["json"][0]), &w, executor.WithSession(id.Session)) // the answer tells
		return w.String() + "\n"
	}
	if d := cmp.Diff(blocks["json"][1], ask(pageToken(t, blocks["sh"][1], env["FRAISEQL_JWT_SECRET"]))); d != "" {
		t.Error(d)
	}
	// Nobody has no right to the table.
	if got := ask(""); !strings.Contains(got, `"code":"FORBIDDEN"`) {
		t.Errorf("without a token: %s", got)
	}
}

// pageToken runs the page's shell.
func pageToken(t *testing.T, script, secret string) string {
	t.Helper()
	for _, name := range []string{"sh", "openssl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("no %s on this machine", name)
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", script+`printf %s "$TOKEN"`)
	cmd.Env = append(cmd.Environ(), "FRAISEQL_JWT_SECRET="+secret)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
