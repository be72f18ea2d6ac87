package replica

import (
	"testing"
	"time"
)

// TestWritten: the position of a commit is what a replica gets to that has replayed
// all there is.
func TestWritten(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ timeline, lsn, want, why string }{
		{"00000001", "0/16B3748", "1-16B3748", "as it is"},
		{"0000000A", "12/AB", "A-12000000AB", "the high half counts"},
		{"00000001", "0/4002018", "1-4002000", "behind the header of a page"},
		{"00000001", "0/4000028", "1-4000000", "behind the header of a segment, as after a switch"},
		{"00000001", "0/4002028", "1-4002028", "not the first page of a segment"},
		{"00000001", "0/4002020", "1-4002020", "a record that goes on behind the header"},
	} {
		p, err := written(tc.timeline, tc.lsn)
		if err != nil || p.String() != tc.want {
			t.Errorf("%s on %s (%s): %v, error %v, want %s", tc.lsn, tc.timeline, tc.why, p, err, tc.want)
		}
	}
	for _, bad := range [][2]string{{"", "0/1"}, {"1", ""}, {"1", "01"}, {"1", "0/x"}, {"g", "0/1"}, {"1", "0/100000000"}} {
		if p, err := written(bad[0], bad[1]); err == nil {
			t.Errorf("%q on %q is %v, want an error", bad[1], bad[0], p)
		}
	}
}

// TestReached: numbers of two timelines do not compare as they are.
func TestReached(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		at, want Position
		reached  bool
		why      string
	}{
		{Position{1, 10}, Position{}, true, "nothing is wanted"},
		{Position{1, 10}, Position{1, 10}, true, "there"},
		{Position{1, 9}, Position{1, 10}, false, "not yet"},
		{Position{1, 100}, Position{2, 95}, false, "it went on with the lost primary"},
		{Position{2, 100}, Position{1, 95}, true, "it has followed the promotion"},
		{Position{2, 90}, Position{1, 95}, false, "it has followed and is not there yet"},
	} {
		if got := tc.at.reached(tc.want); got != tc.reached {
			t.Errorf("%v reached %v: %t, want %t (%s)", tc.at, tc.want, got, tc.reached, tc.why)
		}
	}
}

// TestHistory: the lag is the time since the primary was last where the replica is.
func TestHistory(t *testing.T) {
	t.Parallel()
	began := time.Unix(1_000_000, 0)
	h := history{keep: 10 * time.Second}
	for i := range 100 {
		h.add(began.Add(time.Duration(i)*time.Second), Position{1, uint64(1000 + i*10)})
	}
	if n := len(h.marks); n < 11 || n > 13 {
		t.Errorf("%d marks are kept, want those of 10 s", n)
	}
	for _, tc := range []struct {
		at    uint64
		lag   time.Duration
		known bool
	}{
		{1990, 0, true}, {5000, 0, true}, {1989, time.Second, true}, {1940, 5 * time.Second, true}, {1, 0, false},
	} {
		if lag, known := h.lag(Position{1, tc.at}); lag != tc.lag || known != tc.known {
			t.Errorf("at %d: %v, known %t, want %v, %t", tc.at, lag, known, tc.lag, tc.known)
		}
	}
	// Nobody writes: a replica that is there is not late, however long that takes.
	for i := range 100 {
		h.add(began.Add(time.Duration(100+i)*time.Second), Position{1, 1990})
	}
	if lag, known := h.lag(Position{1, 1990}); lag != 0 || !known {
		t.Errorf("lag %v, known %t", lag, known)
	}
	for range 2 * maxMarks {
		h.add(began.Add(200*time.Second), Position{1, 1990})
	}
	if len(h.marks) > maxMarks {
		t.Errorf("%d marks", len(h.marks))
	}
}
