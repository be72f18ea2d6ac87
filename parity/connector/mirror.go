package connector

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fraiseql/fraiseql-go/parity"
)

// mirror is what the connections of one Connector share of their comparison.
type mirror struct {
	control, candidate driver.Connector
	h                  *parity.Harness
	writes             Writes
	strictTypes        bool
	timeout            time.Duration
	maxDiffs           int
	maxBytes           int64
	names              [2]string

	running sync.WaitGroup // goroutines of candidates
	again   sync.Mutex     // one statement is run again at a time

	looking sync.Mutex // held by who looks at both databases

	mu        sync.Mutex
	ready     bool
	off       string // why nothing can be compared, for good
	retry     time.Time
	last      error           // of the attempt before retry
	snapshots bool            // the control may be asked to export one
	volatile  map[string]bool // functions: may write
	pairs     *pairs
}

// identity is what tells one database from another: the start of its server, its
// OID, its name.
type identity struct{ server, oid, name string }

const identitySQL = `select extract(epoch from pg_catalog.pg_postmaster_start_time())::text, d.oid::text, d.datname::text,
	pg_catalog.current_setting('max_prepared_transactions'), pg_catalog.has_function_privilege('pg_catalog.pg_export_snapshot()', 'execute')::text,
	pg_catalog.pg_is_in_recovery()::text
from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()`

// setup looks once at both databases. A string says why nothing can be compared.
func (m *mirror) setup(ctx context.Context) string {
	m.mu.Lock()
	switch {
	case m.off != "":
		defer m.mu.Unlock()
		return m.off
	case time.Now().Before(m.retry):
		defer m.mu.Unlock()
		return "the candidate, or a second connection of the control, is out of reach: " + m.last.Error()
	case m.ready:
		m.mu.Unlock()
		return ""
	}
	failedBefore := m.last != nil
	m.mu.Unlock()
	if failedBefore {
		if !m.looking.TryLock() { // one caller is enough to find out whether it is back
			return "another connection looks whether the candidate is back"
		}
	} else {
		m.looking.Lock()
	}
	defer m.looking.Unlock()
	m.mu.Lock()
	ready := m.ready
	m.mu.Unlock()
	if ready {
		return m.off
	}
	control, row, err := m.identify(ctx, m.control)
	var candidate identity
	if err == nil {
		candidate, _, err = m.identify(ctx, m.candidate)
	}
	if err != nil {
		m.pause(err)
		return "the candidate, or a second connection of the control, is out of reach: " + err.Error()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch same := control == candidate; {
	case same && m.writes == MirrorWrites:
		m.off = "the candidate is connected to the control's database: MirrorWrites would write everything twice"
	case !same && m.writes != MirrorWrites:
		m.off = "the candidate is connected to another database than the control: only MirrorWrites can compare two"
	}
	m.ready = true
	// An exported snapshot keeps a transaction from being prepared for two-phase
	// commit, and a missing privilege would abort the caller's transaction.
	m.snapshots = row[3] == "0" && row[4] == "true" && row[5] == "false"
	m.pairs = newPairs(control.name, candidate.name, 2*m.timeout)
	return m.off
}

// permanent says that nothing will ever be compared.
func (m *mirror) permanent() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.off != ""
}

// pause keeps callers from waiting for the candidate again and again.
func (m *mirror) pause(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last, m.retry = err, time.Now().Add(time.Second)
}

func (m *mirror) identify(ctx context.Context, c driver.Connector) (identity, []string, error) {
	s := &candidate{m: m}
	if err := s.connect(ctx, c); err != nil {
		return identity{}, nil, err
	}
	defer s.close()
	got := make(chan [][]string, 1)
	err := s.do(ctx, func(ctx context.Context, conn driver.Conn) error {
		rows, err := ask(ctx, conn, identitySQL)
		got <- rows
		return err
	})
	if err != nil {
		return identity{}, nil, err
	}
	rows := <-got
	if len(rows) != 1 {
		return identity{}, nil, fmt.Errorf("asked which database it is, it gave %d rows", len(rows))
	}
	return identity{rows[0][0], rows[0][1], rows[0][2]}, rows[0], nil
}

// harmless are volatile functions that change nothing that others see.
var harmless = []string{
	"random", "random_normal", "gen_random_uuid", "uuidv4", "uuidv7", "uuid_generate_v4", "uuid_generate_v1", "uuid_generate_v1mc", "clock_timestamp", "timeofday", "pg_sleep",
	"pg_relation_size", "pg_table_size", "pg_indexes_size", "pg_total_relation_size", "pg_database_size", "pg_tablespace_size", "gen_salt", "gen_random_bytes",
}

// writer is the first of names that a volatile function has, "" where there is
// none. ask looks up what is not known yet.
func (m *mirror) writer(names []string, look func([]string) ([]string, error)) (string, error) {
	m.mu.Lock()
	var unknown []string
	for _, name := range names {
		volatile, known := m.volatile[name]
		switch {
		case slices.Contains(harmless, name):
		case !known:
			unknown = append(unknown, name)
		case volatile:
			m.mu.Unlock()
			return name, nil
		}
	}
	m.mu.Unlock()
	if len(unknown) == 0 {
		return "", nil
	}
	found, err := look(unknown)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.volatile) > 10_000 {
		clear(m.volatile)
	}
	for _, name := range unknown {
		m.volatile[name] = slices.Contains(found, name)
	}
	if len(found) > 0 {
		return found[0], nil
	}
	return "", nil
}

// forget drops what is known of functions, after DDL.
func (m *mirror) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.volatile)
}

// arrayText is names as a PostgreSQL array.
func arrayText(names []string) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = strconv.Quote(name)
	}
	return "{" + strings.Join(list, ",") + "}"
}
