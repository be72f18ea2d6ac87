package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// client is one connection to a server.
type client struct {
	conn net.Conn
	r    *bufio.Reader
	req  []byte
}

// connect is a client that asks for one document again and again.
func connect(addr, document string) (*client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	body := `{"query":` + strconv.Quote(document) + `}`
	return &client{conn: conn, r: bufio.NewReaderSize(conn, 32<<10), req: fmt.Appendf(nil,
		"POST /graphql HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAccept: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)}, nil
}

// ask is one request: how many bytes were answered, and how long a server that had too
// much to do asks to wait (0: it answered).
func (c *client) ask() (size int64, after time.Duration, err error) {
	if _, err := c.conn.Write(c.req); err != nil {
		return 0, 0, err
	}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0, 0, err
	}
	size, err = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	switch {
	case err != nil:
		return size, 0, err
	case res.StatusCode == http.StatusServiceUnavailable:
		s, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if err != nil || s < 1 {
			return size, 0, fmt.Errorf("503 with Retry-After %q", res.Header.Get("Retry-After"))
		}
		return size, time.Duration(s) * time.Second, nil
	case res.StatusCode != http.StatusOK:
		return size, 0, fmt.Errorf("answered with %s", res.Status)
	}
	return size, 0, nil
}
