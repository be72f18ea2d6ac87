package server

import (
	"database/sql"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fraiseql/fraiseql-go/executor"
)

// AddPool reports the connections of a pool, under the backend's name. Two pools
// have two names.
func (m *Metrics) AddPool(backend string, stats func() sql.DBStats) {
	if m != nil {
		m.registry.MustRegister(newPoolCollector(backend, stats))
	}
}

// AddQueue reports those who wait for a connection of a pool, under the backend's
// name. How often and how long they did is what AddPool reports.
func (m *Metrics) AddQueue(backend string, stats func() executor.QueueStats) {
	if m == nil {
		return
	}
	put := func(c prometheus.Collector) { m.registry.MustRegister(c) }
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Name: "fraiseql_db_pool_" + name, Help: help, ConstLabels: prometheus.Labels{"backend": backend}}
	}
	put(prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts("waiting", "Operations that wait for a connection now.")),
		func() float64 { return float64(stats().Waiting) }))
	put(prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts("max_waiting", "Bound of operations that wait for a connection; 0: none.")),
		func() float64 { return float64(stats().Longest) }))
	put(prometheus.NewCounterFunc(prometheus.CounterOpts(opts("refused_total", "Operations that were turned away because so many waited already.")),
		func() float64 { return float64(stats().Refused) }))
	put(prometheus.NewCounterFunc(prometheus.CounterOpts(opts("left_total", "Operations that went away, or whose time was up, before they had a connection.")),
		func() float64 { return float64(stats().Left) }))
}

// AddParity reports comparisons by verdict; counts gives the totals so far.
func (m *Metrics) AddParity(counts func() map[string]uint64) {
	if m != nil {
		m.registry.MustRegister(&parityCollector{counts: counts, desc: prometheus.NewDesc("fraiseql_parity_verdicts_total",
			"Operations that ran on both backends, by verdict.", []string{"verdict"}, nil)})
	}
}

// parityCollector reads the harness's own counts when it is asked.
type parityCollector struct {
	counts func() map[string]uint64
	desc   *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *parityCollector) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

// Collect implements prometheus.Collector.
func (c *parityCollector) Collect(ch chan<- prometheus.Metric) {
	for verdict, n := range c.counts() {
		ch <- prometheus.MustNewConstMetric(c.desc, prometheus.CounterValue, float64(n), strings.ReplaceAll(verdict, " ", "_"))
	}
}

// poolCollector reads sql.DBStats when it is asked.
type poolCollector struct {
	stats                                        func() sql.DBStats
	connections, limit, waits, waited, forgotten *prometheus.Desc
}

func newPoolCollector(backend string, stats func() sql.DBStats) *poolCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("fraiseql_db_pool_"+name, help, labels, prometheus.Labels{"backend": backend})
	}
	return &poolCollector{
		stats:       stats,
		connections: desc("connections", "Open connections, by state.", "state"),
		limit:       desc("max_connections", "Bound of open connections; 0: none."),
		waits:       desc("waits_total", "Requests for a connection that had to wait for one."),
		waited:      desc("wait_seconds_total", "Time that they waited."),
		forgotten:   desc("closed_total", "Connections that the pool closed, by reason.", "reason"),
	}
}

// Describe implements prometheus.Collector.
func (c *poolCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.connections, c.limit, c.waits, c.waited, c.forgotten} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *poolCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.stats()
	put := func(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, v, labels...)
	}
	put(c.connections, prometheus.GaugeValue, float64(s.InUse), "in_use")
	put(c.connections, prometheus.GaugeValue, float64(s.Idle), "idle")
	put(c.limit, prometheus.GaugeValue, float64(s.MaxOpenConnections))
	put(c.waits, prometheus.CounterValue, float64(s.WaitCount))
	put(c.waited, prometheus.CounterValue, s.WaitDuration.Seconds())
	put(c.forgotten, prometheus.CounterValue, float64(s.MaxIdleClosed), "max_idle")
	put(c.forgotten, prometheus.CounterValue, float64(s.MaxIdleTimeClosed), "idle_time")
	put(c.forgotten, prometheus.CounterValue, float64(s.MaxLifetimeClosed), "lifetime")
}
