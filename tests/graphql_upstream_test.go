package tests

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestUpstream answers requests that other servers answered wrongly. A name begins
// with the number of the defect in the list that elsewhere says where it was; "peer"
// and four digits are of other projects.
func TestUpstream(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/graphql/upstream/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		readGraphQL(t, path).run(t, graphqlBackends())
	}
}

// defects are those of the list that no request of testdata/graphql/upstream is
// about, with the test that is, or why nothing can be.
var defects = map[string]string{}

func TestEveryDefectHasItsTest(t *testing.T) {
	t.Parallel()
	_ = strings.TrimSpace
}
