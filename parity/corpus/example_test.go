package corpus_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

// What a server logged, as a corpus.
func ExampleImportLog() {
	const log = `2026-11-26 07:00:00.000 UTC [42] shop LOG:  execute <unnamed>: select name from users where id = $1
2026-11-26 07:00:00.000 UTC [42] shop DETAIL:  parameters: $1 = '5'
2026-11-26 07:00:01.000 UTC [42] shop LOG:  statement: copy users from stdin
`
	w := corpus.NewWriter(os.Stdout)
	stats, err := corpus.ImportLog(strings.NewReader(log), corpus.Log{Format: corpus.FormatStderr, Prefix: "%m [%p] %d "}, w.Write)
	if err != nil {
		panic(err)
	}
	if err := w.Flush(); err != nil {
		panic(err)
	}
	fmt.Println(stats.Unusable)
	// Output:
	// {"v":1,"time":"2026-11-26T07:00:00Z","conn":"42","kind":"query","sql":"select name from users where id = $1","args":[{"text":"5"}],"outcome":"ok"}
	// map[COPY: its rows are not in the statement:1]
}
