package faultproxy

import "strings"

// Cut is a way to break a connection.
type Cut int

// The ways.
const (
	// FIN closes the client's connection in an orderly way: it reads EOF.
	FIN Cut = iota
	// RST resets it: the client reads "connection reset by peer".
	RST
)

// String is "fin" or "rst".
func (c Cut) String() string {
	if c == FIN {
		return "fin"
	}
	return "rst"
}

// Message is one message of the server on its way to a client.
type Message struct {
	// Type is the message's first byte: 'C' CommandComplete, 'D' DataRow,
	// 'Z' ReadyForQuery, …
	Type byte
	// Tag is the command tag of a CommandComplete: "COMMIT", "INSERT 0 1".
	Tag string
	// Status is the state of the transaction in a ReadyForQuery: 'I', 'T' or 'E'.
	Status byte
	// N counts the messages of this connection since it was opened, from 1.
	N int
}

// Fault says at which message of the server a connection is broken, and how.
// The message itself and everything after it is lost to the client; the server
// has done what the message says.
type Fault struct {
	// When picks the message. It runs with the proxy's lock held: it must not
	// call the proxy.
	When func(Message) bool
	// How the client's connection ends.
	How Cut
	// Hole loses the message and everything after it on this connection
	// silently, in place of How.
	Hole bool
	// Times is how often the fault strikes before it is spent; 0 means once.
	Times int
}

// AtCommit picks the CommandComplete of a COMMIT: the server has committed and
// the client never learns of it.
func AtCommit(m Message) bool { return m.Type == 'C' && m.Tag == "COMMIT" }

// AtCommitted picks what tells the client that a write was committed: AtCommit's, or,
// where the write was a statement by itself, that the server is ready behind it.
func AtCommitted() func(Message) bool {
	wrote := false
	return func(m Message) bool {
		if m.Type == 'C' {
			verb, _, _ := strings.Cut(m.Tag, " ")
			wrote = verb == "INSERT" || verb == "UPDATE" || verb == "DELETE" || verb == "MERGE"
		}
		return AtCommit(m) || wrote && m.Type == 'Z' && m.Status == 'I'
	}
}

// AtComplete picks the CommandComplete whose tag starts with tag, such as
// "INSERT".
func AtComplete(tag string) func(Message) bool {
	return func(m Message) bool { return m.Type == 'C' && strings.HasPrefix(m.Tag, tag) }
}

// AtMessage picks the n-th message (from 1) of each connection.
func AtMessage(n int) func(Message) bool { return func(m Message) bool { return m.N == n } }

// AtNth picks the n-th message (from 1) of the given type since the fault was
// armed, over all connections: AtNth('D', 3) is the third row.
func AtNth(kind byte, n int) func(Message) bool {
	seen := 0
	return func(m Message) bool {
		if m.Type == kind {
			seen++
		}
		return m.Type == kind && seen == n
	}
}

// Armed is a fault that waits for its message.
type Armed struct {
	fault Fault
	left  int
	fired chan struct{}
	once  bool
}

// Fired is closed when the fault has struck for the first time.
func (a *Armed) Fired() <-chan struct{} { return a.fired }

// Struck reports whether the fault has struck.
func (a *Armed) Struck() bool {
	select {
	case <-a.fired:
		return true
	default:
		return false
	}
}

// Arm adds a fault. The first armed fault whose When picks a message strikes.
func (p *Proxy) Arm(f Fault) *Armed {
	a := &Armed{fault: f, left: max(1, f.Times), fired: make(chan struct{})}
	p.mu.Lock()
	p.faults = append(p.faults, a)
	p.mu.Unlock()
	return a
}

// Disarm takes every fault away.
func (p *Proxy) Disarm() {
	p.mu.Lock()
	p.faults = nil
	p.mu.Unlock()
}

// strike finds the fault that m sets off, if any.
func (p *Proxy) strike(m Message) *Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.faults {
		if a.left == 0 || !a.fault.When(m) {
			continue
		}
		a.left--
		if !a.once {
			a.once = true
			close(a.fired)
		}
		return &a.fault
	}
	return nil
}
