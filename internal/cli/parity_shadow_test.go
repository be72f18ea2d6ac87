package cli_test

import (
	"bytes"
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/internal/cli"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// The status of a server's shadow, and that of a server that has none.
func testShadowStatus(t *testing.T, file program) {
	t.Helper()
	dsn := pgtest.Sample(t)
	status := func(p *process, args ...string) (int, string) {
		var out, errs bytes.Buffer
		args = append([]string{"parity", "shadow-status", strings.TrimPrefix(p.admin(), "http://")}, args...)
		code := cli.Run(context.Background(), args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}, func(string) (string, bool) { return "", false }, func() []string { return nil })
		return code, out.String() + errs.String()
	}
	p := file.serve(t, []string{"DATABASE_URL=" + dsn, "FRAISEQL_PARITY_TESTING=true", "FRAISEQL_PARITY_MODE=shadow", "FRAISEQL_SHADOW_STAGE=shadow", "FRAISEQL_SHADOW_SHARE=1"}, "--admin-addr", "127.0.0.1:0")
	p.query(`{user(id: 42) {id name}}`)
	var code int
	var text string
	for range 100 { // it is compared a moment after the answer
		if code, text = status(p); strings.Contains(text, "1 equal") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if code != cli.ExitOK || !strings.Contains(text, "stage shadow, share 1, 1 compared") || !strings.Contains(text, "next stage live: missing") {
		t.Errorf("exit code %d\n%s", code, text)
	}
	if code, text := status(p, "--ready"); code != cli.ExitCoverage || !strings.Contains(text, "can't be left yet") {
		t.Errorf("--ready: exit code %d\n%s", code, text)
	}
	if code, text := status(p, "--json"); code != cli.ExitOK || !strings.Contains(text, `"stage":"shadow"`) && !strings.Contains(text, `"stage": "shadow"`) {
		t.Errorf("--json: exit code %d\n%s", code, text)
	}
	p.end(syscall.SIGTERM)
	p = file.serve(t, []string{"DATABASE_URL=" + dsn}, "--admin-addr", "127.0.0.1:0")
	p.query(`{user(id: 42) {id name}}`)
	if code, text := status(p); code != cli.ExitFailed || !strings.Contains(text, "has no shadow") || !strings.Contains(text, "hint: ") {
		t.Errorf("none: exit code %d\n%s", code, text)
	}
	p.end(syscall.SIGTERM)
}
