package server

import "github.com/prometheus/client_golang/prometheus"

// ReplicaMeasures is what is counted of reads and of the replicas that they go to.
type ReplicaMeasures struct {
	Replicas []ReplicaMeasure
	// PrimaryReads are the reads that no replica was sent.
	PrimaryReads uint64
	// Waited are reads that waited for a replica to replay what their session wrote;
	// Timeouts those that gave up waiting.
	Waited, Timeouts uint64
	// Unknown are writes whose position in the log could not be told.
	Unknown uint64
}

// ReplicaMeasure is one replica.
type ReplicaMeasure struct {
	Name             string // host:port
	In               bool
	LagSeconds       *float64 // nil: not known
	Reads, Fallbacks uint64
}

// AddReplicas reports replicas; measures gives the totals so far.
func (m *Metrics) AddReplicas(measures func() ReplicaMeasures) {
	if m == nil {
		return
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("fraiseql_"+name, help, labels, nil)
	}
	m.registry.MustRegister(&replicaCollector{
		measures:  measures,
		in:        desc("replica_in", "1 while reads are sent to the replica.", "replica"),
		lag:       desc("replica_lag_seconds", "How far the replica was behind the primary at the last look.", "replica"),
		fallbacks: desc("replica_fallbacks_total", "Reads that the replica could not do and the primary did.", "replica"),
		reads:     desc("reads_total", "Reads by where they were sent: a replica, or primary.", "server"),
		waits:     desc("replica_waits_total", "Reads that waited for what their session wrote, by outcome: reached, or timeout.", "outcome"),
		unknown:   desc("replica_unknown_positions_total", "Writes of sessions whose position could not be told; their reads go to the primary."),
	})
}

// replicaCollector reads the counts when it is asked.
type replicaCollector struct {
	measures                                  func() ReplicaMeasures
	in, lag, fallbacks, reads, waits, unknown *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *replicaCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.in, c.lag, c.fallbacks, c.reads, c.waits, c.unknown} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *replicaCollector) Collect(ch chan<- prometheus.Metric) {
	m := c.measures()
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count(c.reads, m.PrimaryReads, "primary")
	count(c.waits, m.Waited, "reached")
	count(c.waits, m.Timeouts, "timeout")
	count(c.unknown, m.Unknown)
	for _, p := range m.Replicas {
		in := 0.0
		if p.In {
			in = 1
		}
		gauge(c.in, in, p.Name)
		if p.LagSeconds != nil {
			gauge(c.lag, *p.LagSeconds, p.Name)
		}
		count(c.reads, p.Reads, p.Name)
		count(c.fallbacks, p.Fallbacks, p.Name)
	}
}
