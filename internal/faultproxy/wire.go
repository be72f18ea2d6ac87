package faultproxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
)

// Request codes that a client may send in place of a start-up message
// (PostgreSQL documentation, "Message Formats": CancelRequest, SSLRequest,
// GSSENCRequest).
const (
	codeCancel = 80877102
	codeTLS    = 80877103
	codeGSS    = 80877104
)

const (
	maxStartup = 10000   // MAX_STARTUP_PACKET_LENGTH of the server
	peek       = 1 << 16 // longer messages are streamed, never looked into
)

var errProtocol = errors.New("not a PostgreSQL connection")

// startup answers encryption requests and returns the first packet that is for
// the server. client is replaced where TLS began.
func (l *link) startup(client **bufio.Reader) ([]byte, error) {
	for {
		packet, err := readStartup(*client)
		if err != nil {
			return nil, err
		}
		if l.p.swallowing() {
			_, err := io.Copy(io.Discard, *client)
			return nil, errors.Join(errCut, err)
		}
		switch binary.BigEndian.Uint32(packet[4:]) {
		case codeTLS:
			if l.p.tls == nil {
				_, err = l.client.Write([]byte("N"))
				break
			}
			if _, err = l.client.Write([]byte("S")); err != nil {
				break
			}
			conn := tls.Server(l.client, l.p.tls)
			if err = conn.Handshake(); err == nil {
				l.p.count("tls")
				l.mu.Lock()
				l.client = conn
				l.mu.Unlock()
				*client = bufio.NewReader(conn)
			}
		case codeGSS:
			_, err = l.client.Write([]byte("N"))
		case codeCancel:
			l.p.count("cancel")
			return packet, nil
		default:
			l.p.count("startup")
			return packet, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func readStartup(r *bufio.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 8 || n > maxStartup {
		return nil, errProtocol
	}
	packet := make([]byte, n)
	copy(packet, head[:])
	_, err := io.ReadFull(r, packet[4:])
	return packet, err
}

// forwardClient sends the client's messages to the server.
func (l *link) forwardClient(r *bufio.Reader, server net.Conn) error {
	w := bufio.NewWriter(server)
	return l.forward(r, w, func(kind byte, _ []byte) (bool, error) {
		l.p.count(string(kind))
		return false, nil
	})
}

// forwardServer sends the server's messages to the client and lets faults strike.
func (l *link) forwardServer(r *bufio.Reader, client net.Conn) error {
	w := bufio.NewWriter(&paced{p: l.p, w: client})
	n, lost := 0, false
	return l.forward(r, w, func(kind byte, body []byte) (bool, error) {
		n++
		l.p.count("server " + string(kind))
		m := Message{Type: kind, N: n}
		if kind == 'C' {
			m.Tag = string(bytes.TrimRight(body, "\x00"))
		}
		if kind == 'Z' && len(body) == 1 {
			m.Status = body[0]
		}
		if f := l.p.strike(m); f != nil {
			if !f.Hole {
				// What came before the fault must arrive, as it would have.
				if err := w.Flush(); err != nil {
					return false, err
				}
				l.cut(f.How)
				return false, errCut
			}
			lost = true
		}
		if !lost {
			l.p.wait()
		}
		return lost, nil
	})
}

// forward copies messages. see is shown each one first, short ones with their
// body, and may drop it.
func (l *link) forward(r *bufio.Reader, w *bufio.Writer, see func(kind byte, body []byte) (drop bool, err error)) error {
	var head [5]byte
	short := make([]byte, 0, 512)
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return err
		}
		n := int64(binary.BigEndian.Uint32(head[1:])) - 4
		if n < 0 {
			return errProtocol
		}
		body := short[:0]
		if n <= peek {
			if int64(cap(short)) < n {
				short = make([]byte, 0, n)
			}
			body = short[:n]
			if _, err := io.ReadFull(r, body); err != nil {
				return err
			}
		}
		drop, err := see(head[0], body)
		if err != nil {
			return err
		}
		drop = drop || l.p.swallowing()
		if drop {
			if err := w.Flush(); err != nil { // what went before it still arrives
				return err
			}
			if n > peek {
				if _, err := io.CopyN(io.Discard, r, n); err != nil {
					return err
				}
			}
			continue
		}
		if _, err := w.Write(head[:]); err != nil {
			return err
		}
		if n > peek {
			_, err = io.CopyN(w, r, n)
		} else {
			_, err = w.Write(body)
		}
		if err != nil {
			return err
		}
		if r.Buffered() == 0 {
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
}
