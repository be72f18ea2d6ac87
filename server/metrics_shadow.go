package server

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// ShadowMeasures is what is counted of a shadow. Every label has one of a few values
// that the product fixes.
type ShadowMeasures struct {
	Comparisons map[string]map[string]uint64 // by verdict, then by kind: read, write
	Dropped     map[string]uint64            // by reason
	Rules       map[string]uint64            // by name
	Fallbacks   uint64
	Stage       int // 0 off, 1 describe, 2 shadow, 3 live, 4 done
	BreakerOpen bool
	// Durations are those of the side that answers and of the other one; Overhead is
	// what noting added to an operation.
	Answer, Other, Overhead DurationCounts
	Coverage                *float64 // nil: not known
}

// DurationCounts is a histogram.
type DurationCounts struct {
	Count   uint64
	Seconds float64
	Below   map[float64]uint64 // by upper bound, in seconds
}

// AddShadow reports a shadow; measures gives the totals so far, and nil while there
// is nothing to report, which has no series.
func (m *Metrics) AddShadow(measures func() *ShadowMeasures) {
	if m != nil {
		m.registry.MustRegister(newShadowCollector(measures))
	}
}

// shadowCollector reads the shadow's own counts when it is asked.
type shadowCollector struct {
	measures                                                                             func() *ShadowMeasures
	comparisons, dropped, duration, overhead, stage, rules, coverage, fallbacks, breaker *prometheus.Desc
}

func newShadowCollector(measures func() *ShadowMeasures) *shadowCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("fraiseql_shadow_"+name, help, labels, nil)
	}
	return &shadowCollector{
		measures:    measures,
		comparisons: desc("comparisons_total", "Operations that the other backend was asked about, by verdict and kind.", "verdict", "kind"),
		dropped:     desc("dropped_total", "Sampled operations that were not compared, by reason.", "reason"),
		duration:    desc("duration_seconds", "Time of compared operations, by side; that of the answer includes what the caller did meanwhile.", "side"),
		overhead:    desc("path_overhead_seconds", "Time that noting a sampled operation added to it."),
		stage:       desc("stage", "Stage in force: 0 off, 1 describe, 2 shadow, 3 live, 4 done."),
		rules:       desc("rules_applied_total", "Differences that a rule explains, by rule.", "rule"),
		coverage:    desc("coverage_ratio", "Share of what there is to compare that was compared."),
		fallbacks:   desc("fallbacks_total", "Reads whose connection failed and that the control answered."),
		breaker:     desc("breaker_open", "1 while the breaker keeps operations from being compared."),
	}
}

func (c *shadowCollector) all() []*prometheus.Desc {
	return []*prometheus.Desc{c.comparisons, c.dropped, c.duration, c.overhead, c.stage, c.rules, c.coverage, c.fallbacks, c.breaker}
}

// Describe implements prometheus.Collector.
func (c *shadowCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.all() {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *shadowCollector) Collect(ch chan<- prometheus.Metric) {
	m := c.measures()
	if m == nil {
		return
	}
	label := func(name string) string { return strings.ReplaceAll(name, " ", "_") }
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	times := func(d *prometheus.Desc, h DurationCounts, labels ...string) {
		ch <- prometheus.MustNewConstHistogram(d, h.Count, h.Seconds, h.Below, labels...)
	}
	for verdict, kinds := range m.Comparisons {
		for kind, n := range kinds {
			count(c.comparisons, n, label(verdict), kind)
		}
	}
	for reason, n := range m.Dropped {
		count(c.dropped, n, reason)
	}
	for rule, n := range m.Rules {
		count(c.rules, n, label(rule))
	}
	times(c.duration, m.Answer, "answer")
	times(c.duration, m.Other, "other")
	times(c.overhead, m.Overhead)
	gauge(c.stage, float64(m.Stage))
	count(c.fallbacks, m.Fallbacks)
	open := 0.0
	if m.BreakerOpen {
		open = 1
	}
	gauge(c.breaker, open)
	if m.Coverage != nil {
		gauge(c.coverage, *m.Coverage)
	}
}
