package replica

import (
	"fmt"
	"strconv"
	"strings"
)

// Position is a place in a primary's write-ahead log: a timeline, which begins anew
// with each promotion, and the log sequence number (LSN), in bytes.
//
// After a commit pg_current_wal_insert_lsn() is at or behind the end of the commit's
// record, whatever synchronous_commit is: the record is in the log's buffers before
// COMMIT answers. pg_current_wal_lsn() and pg_current_wal_flush_lsn() would not do:
// without synchronous_commit the record may be neither written nor flushed yet. A
// replica whose pg_last_wal_replay_lsn() has reached that number shows the commit.
//
// The timeline keeps numbers apart that do not compare: a replica that went on with
// a lost primary after another was promoted may be further, and yet lack what was
// written since.
type Position struct {
	Timeline uint32
	LSN      uint64
}

// reached says whether a server at p has everything up to want. A server on a later
// timeline has followed a promotion, and its log is that of want's timeline up to
// there; what the promotion has lost nobody has.
func (p Position) reached(want Position) bool {
	return p.Timeline >= want.Timeline && p.LSN >= want.LSN
}

// after is the later one of two positions of primaries.
func (p Position) after(q Position) bool {
	return p.Timeline > q.Timeline || p.Timeline == q.Timeline && p.LSN > q.LSN
}

// String is the text of p in a token, such as 1-16B3748: timeline and LSN, both
// hexadecimal.
func (p Position) String() string {
	return strings.ToUpper(strconv.FormatUint(uint64(p.Timeline), 16) + "-" + strconv.FormatUint(p.LSN, 16))
}

// parsePosition reads what String writes, and nothing else.
func parsePosition(text string) (Position, bool) {
	timeline, lsn, ok := strings.Cut(text, "-")
	t, terr := strconv.ParseUint(timeline, 16, 32)
	n, nerr := strconv.ParseUint(lsn, 16, 64)
	p := Position{uint32(t), n}
	return p, ok && terr == nil && nerr == nil && t > 0 && p.String() == text
}

// The header of a page of the log, that of the first page of a segment, and how long a
// page usually is and a segment at least (PostgreSQL's xlog_internal.h). An insert
// position right behind a header means that the record before it ended with the page
// before, as after each switch to a new segment.
const (
	pageHeader    = 24
	segmentHeader = 40
	page          = 8 << 10
	segment       = 1 << 20
)

// written is the position that the server wrote as text: the timeline as in the name
// of a log file, the LSN as 0/16B3748.
//
// Where the last record ends with its page, the insert position is already behind
// the next page's header, while a replica that has replayed all of it is before: on
// a server where nobody else writes it would never get there. Taking the header off
// loses nothing, on pages and segments of other sizes either: no record is as short as
// the first header, and what ends that little behind a page's begin has begun before
// it, so that a replica is before it or behind it and never in between.
func written(timeline, lsn string) (Position, error) {
	p, err := position(timeline, lsn)
	switch {
	case err != nil:
	case p.LSN%page == pageHeader:
		p.LSN -= pageHeader
	case p.LSN%segment == segmentHeader:
		p.LSN -= segmentHeader
	}
	return p, err
}

// position is where a server is.
func position(timeline, lsn string) (Position, error) {
	high, low, ok := strings.Cut(lsn, "/")
	t, terr := strconv.ParseUint(timeline, 16, 32)
	h, herr := strconv.ParseUint(high, 16, 32)
	l, lerr := strconv.ParseUint(low, 16, 32)
	if !ok || terr != nil || herr != nil || lerr != nil {
		return Position{}, fmt.Errorf("the server's position %q on timeline %q: want two hexadecimal numbers such as 0/16B3748, and one", lsn, timeline)
	}
	return Position{uint32(t), h<<32 | l}, nil
}
