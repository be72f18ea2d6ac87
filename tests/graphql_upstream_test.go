package tests

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestUpstream answers requests that other servers answered wrongly, each under the
// id of its defect:
//
//	01–64   of FraiseQL's own trackers (filters that widen, values that are lost, …)
//	peer    met when others were run beside this one
//	4 digits of a Go compiler of GraphQL to SQL, whose fixes are a list of tests
func TestUpstream(t *testing.T) {
	t.Parallel()
	for _, f := range upstream(t) {
		f.run(t, graphqlBackends())
	}
}

func upstream(t *testing.T) []*graphqlFile {
	t.Helper()
	paths, err := filepath.Glob("testdata/graphql/upstream/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files: %v", err)
	}
	files := make([]*graphqlFile, len(paths))
	for i, path := range paths {
		files[i] = readGraphQL(t, path)
	}
	return files
}

// elsewhere are the defects that no request of testdata/graphql/upstream is about:
// where their test is, or why there is nothing to test.
var elsewhere = map[string]string{
	"43": "settings of a session stand in the transaction of the statement, reads too: server/auth, executor (session_test.go), tests/tenant_test.go",
	"44": "testdata/graphql/document_tx.txtar: what is rolled back is not there afterwards",
	"48": "no write is sent twice: the fault tests of executor and backendtest cut connections",
	"49": "there are no idempotency keys",
	"60": "persisted queries: server (documents_test.go)",
	"61": "timeouts below a second: flags, executor",
	"62": "a process does not fork; dead connections: backendtest",
	"64": "TestEveryRootRuns here, TestRandomDocuments in graphql",

	"peer GET runs mutations":           "server, tests/http_audit_test.go",
	"peer 64 connections, a cold query": "graphql, TestColdCache",
	"peer a client hangs up":            "graphql, TestHungUp; server",
	"peer a log line for each request":  "server: access logs have a level",
	"peer settings put into SQL":        "executor: set_config with parameters, and in the transaction only",
	"peer wrong operationName":          "56 here",
	"peer first of two undocumented":    "peer-first-of-two here; document_tx.txtar for the other way",
	"4389 nested inserts":               "graphql, nested_run_test.go",
	"4419 upsert and policies of rows":  "policies are the database's: ON CONFLICT DO UPDATE is under those of UPDATE; graphql, upsert_test.go",
	"4418 size of a body":               "server",
	"4416 expired token, WebSockets":    "there are no subscriptions",
	"4349 privileges that are missing":  "catalog: what the role may not use is not loaded",
}

// TestEveryDefectHasItsTest: a number is there once, as a request or with a reason.
func TestEveryDefectHasItsTest(t *testing.T) {
	t.Parallel()
	id := regexp.MustCompile(`^(\d\d)-`)
	covered := map[string]bool{}
	for _, f := range upstream(t) {
		for _, c := range f.cases {
			if m := id.FindStringSubmatch(c.name); m != nil {
				covered[m[1]] = true
			} else if !strings.HasPrefix(c.name, "peer-") && !regexp.MustCompile(`^(\d{4}|empty-update)`).MatchString(c.name) {
				t.Errorf("%s: %s begins with no id", f.path, c.name)
			}
		}
	}
	for n := 1; n <= 64; n++ {
		key := fmt.Sprintf("%02d", n)
		reason := elsewhere[key]
		if covered[key] == (reason != "") {
			t.Errorf("%s: requests %v, reason %q: one of the two", key, covered[key], reason)
		}
	}
}
