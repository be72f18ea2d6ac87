package server

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Instrument counts and times the requests that h answers, under a name that is
// the program's, never the request's.
func (m *Metrics) Instrument(name string, h http.Handler) http.Handler {
	if m == nil {
		return h
	}
	return &instrumented{metrics: m, next: h, name: name, duration: m.duration.WithLabelValues(name)}
}

// statuses has room for those that HTTP defines; others are counted as 0.
const statuses = 600

type instrumented struct {
	metrics  *Metrics
	next     http.Handler
	name     string
	duration prometheus.Observer
	codes    [statuses]atomic.Pointer[prometheus.Counter]
}

func (h *instrumented) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	h.metrics.inFlight.Inc()
	rw := follow(w)
	status := aborted
	defer func() {
		h.metrics.inFlight.Dec()
		h.duration.Observe(time.Since(start).Seconds())
		h.counter(status).Inc()
	}()
	h.next.ServeHTTP(rw, r)
	if status = rw.status; status == 0 {
		status = http.StatusOK
	}
}

// aborted stands for the status of an answer that was cut off by a panic.
const aborted = 0

// counter is that of one status, looked up by its label once.
func (h *instrumented) counter(status int) prometheus.Counter {
	if status < 100 || status >= statuses {
		status = aborted
	}
	if c := h.codes[status].Load(); c != nil {
		return *c
	}
	label := "aborted"
	if status != aborted {
		label = strconv.Itoa(status)
	}
	c := h.metrics.requests.WithLabelValues(h.name, label)
	h.codes[status].Store(&c)
	return c
}
