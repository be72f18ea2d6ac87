package all_test

import (
	"fmt"

	"github.com/fraiseql/fraiseql-go/backend/all"
)

func ExampleBackends() {
	set, err := all.Backends()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range set.All() {
		fmt.Println(b.Name())
	}
	_, err = set.Lookup("odbc")
	fmt.Println(err)
	// Output:
	// pgx
	// pq
	// look up backend: no backend is named "odbc"; there are pgx, pq
}
