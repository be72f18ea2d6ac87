package reproduce_test

import (
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
	"github.com/fraiseql/fraiseql-go/parity/reproduce"
)

// TestBothWrong: what both sides get wrong in the same way has a smallest case too, of a
// definition and of a statement.
func TestBothWrong(t *testing.T) {
	t.Parallel()
	honest := mode(t, "pq/default")
	sides := reproduce.Sides{Control: &liar{Backend: honest, lie: scale}, Candidate: &liar{Backend: mode(t, "pgx/simple_protocol"), lie: scale}, ThirdVoice: true}
	from, cfg := source(t, honest)
	for name, op := range map[string]reproduce.Operation{
		"definition": defined(`{"operation":"query","table":"people","fields":["id","code","balance"],"sort":[{"field":"id"}]}`),
		"statement":  {Lines: []corpus.Line{sent(corpus.KindQuery, "select id, code, balance from people where balance > $1", "7000")}},
	} {
		t.Run(name, func(t *testing.T) {
			reports, err := reproduce.Run(t.Context(), cfg, sides, op)
			if err != nil {
				t.Fatal(err)
			}
			want, ok := reproduce.SignatureOf(reports[0])
			if !ok {
				t.Fatalf("%+v", reports)
			}
			asked := sides
			asked.ThirdVoice = false // the signature says that it has to
			r, err := reproduce.Reproduce(t.Context(), from, config(t, pgtest.DB(t)), asked, op, want)
			if err != nil {
				t.Fatalf("%s: %v", want, err)
			}
			text := written(t, r, "x.sql")
			t.Log(text)
			if want.String() != "server of numeric" || !strings.Contains(text, "numeric(14,2)") {
				t.Errorf("%s in %s", want, text)
			}
			f, err := reproduce.ParseFile(text)
			if err != nil || !f.ThirdVoice() {
				t.Errorf("the file does not say that it takes the server: %v", err)
			}
			test, err := r.Go("x")
			if err != nil || !strings.Contains(test, "parity.WithThirdVoice(1)") {
				t.Errorf("%v in\n%s", err, test)
			}
			again(t, r, sides)
		})
	}
}
