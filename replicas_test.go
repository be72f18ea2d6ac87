package fraiseql_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor/replica"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgembed"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/server"
)

// lateCluster has a replica that replays a second later on purpose.
func lateCluster(t *testing.T) *pgtest.Cluster {
	t.Helper()
	c := pgtest.NewCluster(t, nil, []pgembed.Option{pgembed.WithSetting("recovery_min_apply_delay", "1s")})
	pgtest.Exec(t, c.Primary.DSN(""), `create table notes (id int generated always as identity primary key, text text not null);
		insert into notes (text) select 'old ' || n from generate_series(1, 3) as n`)
	standby := pgtest.Open(t, c.Standbys[0].DSN(""))
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var n int
		if err := standby.QueryRowContext(t.Context(), "select count(*) from notes").Scan(&n); err == nil && n == 3 {
			return c
		}
		if time.Now().After(deadline) {
			t.Fatal("the replica does not follow")
		}
	}
}

func onReplicas(t *testing.T, c *pgtest.Cluster, driver string, change func(*flags.Settings)) *fraiseql.DB {
	t.Helper()
	db := open(t, c.Primary.DSN(""), func(s *flags.Settings) {
		s.Backend, s.DatabaseReadURL, s.GraphQL.Definitions = driver, pgtest.HostsDSN(t, "", c.Standbys...), "true"
		s.GraphQL.BatchMax, s.Replicas.MaxLag = 10, 0
		if change != nil {
			change(s)
		}
	})
	return db
}

// client sends requests as one user.
type client struct {
	t     *testing.T
	http  *http.Client
	url   string
	token string // sent along; "" for none
}

// send posts body and gives back status and answer; a token in the answer is kept.
func (c *client) send(path, body string) (int, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		r.Header.Set(server.SessionHeader, c.token)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if token := resp.Header.Get(server.SessionHeader); token != "" {
		c.token = token
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// graphql sends documents, several as a list.
func (c *client) graphql(documents ...string) string {
	c.t.Helper()
	var list []map[string]string
	for _, d := range documents {
		list = append(list, map[string]string{"query": d})
	}
	var body []byte
	var err error
	if len(list) == 1 {
		body, err = json.Marshal(list[0])
	} else {
		body, err = json.Marshal(list)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	_, text := c.send("/graphql", string(body))
	return text
}

const (
	lastNote = `{notes(orderBy: [{id: DESC}], limit: 1) {text}}`
)

func addNote(text string) string {
	return fmt.Sprintf(`mutation {createNote(input: {text: %q}) {text}}`, text)
}

// TestReadYourWritesOverHTTP: with the token of its mutation a client reads what it
// has written, whichever way it was written; without it nothing is promised.
func TestReadYourWritesOverHTTP(t *testing.T) {
	t.Parallel()
	c := lateCluster(t)
	for _, driver := range []string{flags.BackendPGX, flags.BackendPQ} {
		t.Run(driver, func(t *testing.T) {
			site, err := onReplicas(t, c, driver, nil).Site()
			if err != nil {
				t.Fatal(err)
			}
			defer site.Close()
			web := httptest.NewServer(site.Public)
			defer web.Close()
			one := &client{t: t, http: web.Client(), url: web.URL}
			if got := one.graphql(lastNote); !strings.Contains(got, "text") || one.token != "" {
				t.Fatalf("%s, token %q: nothing was written", got, one.token)
			}
			n := 0
			wrote := func(how, answer string) string {
				t.Helper()
				if strings.Contains(answer, `"errors":[`) {
					t.Fatalf("%s: %s", how, answer)
				}
				if !regexp.MustCompile(`^1-[0-9A-F]+$`).MatchString(one.token) {
					t.Fatalf("%s: token %q", how, one.token)
				}
				last := fmt.Sprintf("%s %s %d", driver, how, n)
				return last
			}
			note := func(how string) string { n++; return fmt.Sprintf("%s %s %d", driver, how, n) }
			for _, tc := range []struct {
				how   string
				write func(text string) string
			}{
				{"mutation", func(text string) string { return one.graphql(addNote(text)) }},
				{"batch", func(text string) string {
					return one.graphql(`{notes {text}}`, addNote(text), `{a: notes {text} b: notes {id}}`)
				}},
				{"definition", func(text string) string {
					_, got := one.send("/definitions", fmt.Sprintf(`{"operation":"mutation","type":"insert","table":"notes","input":{"text":%q},"return_fields":null}`, text))
					return got
				}},
				{"list", func(text string) string {
					_, got := one.send("/definitions", fmt.Sprintf(
						`[{"operation":"query","table":"notes","fields":["id"]},{"operation":"mutation","type":"insert","table":"notes","input":{"text":%q},"return_fields":null},{"operation":"query","table":"notes","filters":{"text":{"eq":%q}}}]`, text, text))
					if strings.Count(got, text) != 1 {
						t.Errorf("a list does not read what it has written: %s", got)
					}
					return got
				}},
				{"transaction", func(text string) string {
					_, got := one.send("/definitions", fmt.Sprintf(`{"transaction":[{"operation":"mutation","type":"insert","table":"notes","input":{"text":%q},"return_fields":null}]}`, text))
					return got
				}},
			} {
				text, before := note(tc.how), one.token
				last := wrote(tc.how, tc.write(text))
				if one.token == before {
					t.Errorf("%s: the token is the old one", tc.how)
				}
				if got := one.graphql(lastNote); !strings.Contains(got, last) {
					t.Errorf("%s: with the token %s: %s, want %s", tc.how, one.token, got, last)
				}
				if _, got := one.send("/definitions", `{"operation":"query","table":"notes","fields":["text"],"sort":[{"field":"id","direction":"DESC"}],"pagination":{"limit":1}}`); !strings.Contains(got, last) {
					t.Errorf("%s: definitions with the token: %s, want %s", tc.how, got, last)
				}
				other := &client{t: t, http: web.Client(), url: web.URL}
				if got := other.graphql(lastNote); strings.Contains(got, last) {
					t.Errorf("%s: without a token: %s: the replica is not late, so that this proves nothing", tc.how, got)
				}
			}
			bad := &client{t: t, http: web.Client(), url: web.URL, token: "1-16b3748"}
			for path, body := range map[string]string{"/graphql": `{"query":"{notes {id}}"}`, "/definitions": `{"operation":"query","table":"notes"}`} {
				if status, got := bad.send(path, body); status != http.StatusBadRequest || !strings.Contains(got, "the header X-Fraiseql-Session is not what an answer gave") {
					t.Errorf("%s with a garbled token: %d %s", path, status, got)
				}
			}
			fresh := &client{t: t, http: web.Client(), url: web.URL, token: server.SessionPrimary}
			if got := fresh.graphql(lastNote); !strings.Contains(got, "transaction") {
				t.Errorf("from the primary: %s", got)
			}
		})
	}
}

// TestSessionCookie: a browser needs no code. A cookie that is none is not believed.
func TestSessionCookie(t *testing.T) {
	t.Parallel()
	c := lateCluster(t)
	site, err := onReplicas(t, c, flags.BackendPGX, func(s *flags.Settings) { s.Replicas.Cookie = true }).Site()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	web := httptest.NewServer(site.Public)
	defer web.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	agent := web.Client()
	agent.Jar = jar
	browser := &client{t: t, http: agent, url: web.URL}
	browser.graphql(addNote("by cookie"))
	browser.token = ""
	if got := browser.graphql(lastNote); !strings.Contains(got, "by cookie") {
		t.Errorf("with the cookie: %s", got)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+"/graphql?query="+"%7Bnotes(orderBy:%5B%7Bid:DESC%7D%5D,limit:1)%7Btext%7D%7D", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/graphql-response+json")
	r.AddCookie(&http.Cookie{Name: "fraiseql_session", Value: "garbled"})
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK || !bytes.Contains(text, []byte("by cookie")) {
		t.Errorf("with a garbled cookie: %s %s", resp.Status, text)
	}
	if got := strings.Join(resp.Header.Values("Vary"), ","); !strings.Contains(got, "X-Fraiseql-Session") || !strings.Contains(got, "Cookie") {
		t.Errorf("Vary: %s", got)
	}
}

// TestReplicasAreShown: /readyz and /metrics name the replicas; what the embedding
// program writes without HTTP it reads by a Session of its own.
func TestReplicasAreShown(t *testing.T) {
	t.Parallel()
	c := lateCluster(t)
	for _, driver := range []string{flags.BackendPGX, flags.BackendPQ} {
		db := onReplicas(t, c, driver, nil)
		site, err := db.Site()
		if err != nil {
			t.Fatal(err)
		}
		defer site.Close()
		ctx := replica.WithSession(t.Context(), replica.NewSession())
		var w bytes.Buffer
		if err := db.ExecuteJSON(ctx, []byte(`{"operation":"mutation","type":"insert","table":"notes","input":{"text":"embedded `+driver+`"},"return_fields":null}`), &w); err != nil {
			t.Fatal(err)
		}
		w.Reset()
		if err := db.ExecuteJSON(ctx, []byte(`{"operation":"query","table":"notes","filters":{"text":{"eq":"embedded `+driver+`"}}}`), &w); err != nil || !strings.Contains(w.String(), "embedded") {
			t.Errorf("%s, error %v", w.String(), err)
		}
		w.Reset()
		if err := db.ExecuteJSON(t.Context(), []byte(`{"operation":"query","table":"notes","fields":["id"]}`), &w); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("127.0.0.1:%d", c.Standbys[0].Port())
		status, ready := get(t, site.Admin, "/readyz")
		for deadline := time.Now().Add(10 * time.Second); !strings.Contains(ready, "lag_ms") && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			status, ready = get(t, site.Admin, "/readyz") // it is a second behind where we began to look
		}
		if status != http.StatusOK || !strings.Contains(ready, `"status":"healthy"`) || !regexp.MustCompile(`"replicas":\[\{"name":"`+name+`","in":true,"lag_ms":\d+,"reads":[1-9]`).MatchString(ready) {
			t.Errorf("%d %s", status, ready)
		}
		_, metrics := get(t, site.Admin, "/metrics")
		for _, want := range []string{
			`fraiseql_replica_in{replica="` + name + `"} 1`, `fraiseql_reads_total{server="` + name + `"} `, `fraiseql_reads_total{server="primary"} `,
			`fraiseql_replica_lag_seconds{replica="` + name + `"} `, `fraiseql_replica_waits_total{outcome="timeout"} `,
			`fraiseql_db_pool_max_connections{backend="` + driver + "@" + name + `"} 20`, `fraiseql_replica_unknown_positions_total 0`,
		} {
			if !strings.Contains(metrics, want) {
				t.Errorf("no %s in\n%s", want, metrics)
			}
		}
	}
}

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// TestReadURLIsChecked: what can't be right is refused at the start, without secrets.
func TestReadURLIsChecked(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	for _, tc := range []struct {
		name, want string
		change     func(*flags.Settings)
	}{
		{"not a DSN", "FRAISEQL_DATABASE_READ_URL: ", func(s *flags.Settings) { s.DatabaseReadURL = "postgres://u:sesame@h:99999/d" }},
		{"unknown parameter", "FRAISEQL_DATABASE_READ_URL: ", func(s *flags.Settings) { s.DatabaseReadURL = "host=h password=sesame sslmode=maybe" }},
		{"a primary is asked for", "replicas take no writes", func(s *flags.Settings) { s.DatabaseReadURL = dsn + "&target_session_attrs=primary" }},
		{"compared", "what is compared has to be read from one server", func(s *flags.Settings) { s.DatabaseReadURL, s.ParityTesting = dsn, true }},
		{"shadowed", "what is compared has to be read from one server", func(s *flags.Settings) {
			s.DatabaseReadURL, s.ParityTesting, s.ParityMode = dsn, true, flags.ParityShadow
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := flags.Default()
			s.DatabaseURL = dsn
			tc.change(s)
			db, err := fraiseql.Open(t.Context(), "", s, fraiseql.WithEnv(noEnv))
			if err == nil {
				db.Close()
			}
			if backend.CodeOf(err) != backend.CodeConfiguration || !strings.Contains(fmt.Sprint(err), tc.want) || strings.Contains(fmt.Sprint(err), "sesame") {
				t.Errorf("error %v (%v), want one that says %q", err, backend.CodeOf(err), tc.want)
			}
		})
	}
	if server.SessionPrimary != replica.OnPrimary {
		t.Errorf("the server says %q, the replicas %q", server.SessionPrimary, replica.OnPrimary)
	}
}

// TestQueriesWithoutPrimary: while there is none, as in a failover, replicas answer
// queries and the server stays ready; mutations are unavailable.
func TestQueriesWithoutPrimary(t *testing.T) {
	t.Parallel()
	c := lateCluster(t)
	site, err := onReplicas(t, c, flags.BackendPGX, nil).Site()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	if err := c.Primary.Halt(t.Context(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, got := post(t, site.Public, "/graphql", `{"query":"{notes {text}}"}`); !strings.Contains(got, "old 3") {
		t.Errorf("a query: %s", got)
	}
	if _, got := post(t, site.Public, "/graphql", `{"query":"mutation {createNote(input: {text: \"x\"}) {text}}"}`); !strings.Contains(got, "SERVICE_UNAVAILABLE") {
		t.Errorf("a mutation: %s", got)
	}
	if status, got := get(t, site.Admin, "/readyz"); status != http.StatusOK || !strings.Contains(got, `"status":"degraded"`) || !strings.Contains(got, `"object":"primary"`) {
		t.Errorf("%d %s", status, got)
	}
}
