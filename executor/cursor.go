package executor

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strconv"

	"github.com/fraiseql/fraiseql-go/builder"
)

// A batch of parent rows starts small, so that the first bytes come soon, and
// grows while what belongs to it stays below wantBytes in memory.
const (
	firstBatch = 100
	largeBatch = 2000
	wantBytes  = 1 << 20
)

// cursorName names the cursor of a query after its SQL and the types of its
// columns. A driver that keeps prepared statements keeps the description of
// FETCH's rows too, and the server does not notice when it is outdated, as it
// does for a SELECT: FETCH from one name must always give rows of one shape.
func cursorName(s *builder.Statement) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.SQL))
	for _, c := range s.Columns {
		if c.Type != nil {
			_, _ = h.Write(binary.BigEndian.AppendUint32(nil, c.Type.OID()))
		}
	}
	return "fraiseql_" + strconv.FormatUint(h.Sum64(), 16)
}

// sameShape asks the server whether s still has the columns that it was built
// for. The transaction holds the tables from then on, so it stays true.
func sameShape(ctx context.Context, r Runner, s *builder.Statement) error {
	probe := *s
	probe.SQL = "select * from (" + s.SQL + ") as shape limit 0"
	rows, err := r.Query(ctx, &probe)
	if err != nil {
		return err
	}
	return rows.Close()
}

// cursor streams a query with nested levels and any number of rows: a batch of
// rows at a time is read through a server-side cursor, its children are run, and
// it is written out before the next one is read.
func (x *execution) cursor(ctx context.Context, r Runner, p *builder.Plan) error {
	s := &p.Root.Statement
	if err := sameShape(ctx, r, s); err != nil {
		return err
	}
	name := cursorName(s)
	declare := &builder.Statement{
		Name: s.Name, SQL: "declare " + name + " no scroll cursor for " + s.SQL, Args: s.Args, Effect: builder.Read,
	}
	if _, err := r.Exec(ctx, declare); err != nil {
		return err
	}
	out := x.out
	out.buf = append(out.buf, '[')
	var total int
	defer func() { x.info.Rows = int64(total) }()
	for size := firstBatch; ; {
		fetch := &builder.Statement{
			Name: s.Name, SQL: "fetch forward " + strconv.Itoa(size) + " from " + name,
			Effect: builder.Read, Ordered: s.Ordered, Columns: s.Columns,
		}
		batch, err := x.level(ctx, r, &p.Root, fetch, 0, place{})
		if err != nil {
			return err
		}
		for i := range batch.len() {
			if total > 0 {
				out.buf = append(out.buf, ',')
			}
			total++
			if err := bounded(p, int64(total)); err != nil {
				return err
			}
			if err := batch.write(out, i); err != nil {
				return err
			}
			if err := out.full(); err != nil {
				return err
			}
		}
		n, bytes := batch.len(), batch.size()
		batch.free()
		if n < size {
			break
		}
		size = nextBatch(size, bytes)
	}
	out.buf = append(out.buf, ']')
	// Inside a larger transaction another query may want the name.
	if _, err := r.Exec(ctx, &builder.Statement{Name: s.Name, SQL: "close " + name, Effect: builder.Read}); err != nil {
		return fmt.Errorf("close cursor: %w", err)
	}
	return nil
}

// nextBatch is the size of the next batch after one of size rows took bytes. The
// sizes are few, so that prepared FETCH statements are.
func nextBatch(size, bytes int) int {
	switch {
	case bytes > 2*wantBytes:
		return max(size/2, 1)
	case bytes <= wantBytes/2:
		return min(size*2, largeBatch)
	}
	return size
}
