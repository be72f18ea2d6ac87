package report

import (
	"math"
	"math/rand/v2"
	"slices"
)

// pairs is a sample of bounded size of the times of both sides: each pair that was
// added has the same chance to be in it.
type pairs struct {
	N    int64      `json:"n"`
	List [][2]int64 `json:"list"` // control, candidate, in nanoseconds
}

// add adds a pair to at most limit of them.
func (p *pairs) add(r *rand.Rand, limit int, control, candidate int64) {
	p.N++
	if len(p.List) < limit {
		p.List = append(p.List, [2]int64{control, candidate})
		return
	}
	if i := r.Int64N(p.N); i < int64(limit) {
		p.List[i] = [2]int64{control, candidate}
	}
}

// latency is the comparison of the sample.
func (p *pairs) latency() Latency {
	l := Latency{N: p.N, Sampled: len(p.List), Judgement: "too few"}
	if len(p.List) == 0 {
		return l
	}
	n := len(p.List)
	control, candidate, diff, relative := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i, t := range p.List {
		control[i], candidate[i] = float64(t[0]), float64(t[1])
		diff[i] = candidate[i] - control[i]
		relative[i] = diff[i] / control[i]
	}
	l.ControlNS, l.CandidateNS = int64(medianOf(control).Median), int64(medianOf(candidate).Median)
	l.Difference, l.Relative = medianOf(diff), medianOf(relative)
	switch r := l.Relative; {
	case r.Low == nil:
	case *r.Low > 0:
		l.Judgement = "slower"
	case *r.High < 0:
		l.Judgement = "faster"
	default:
		l.Judgement = "no difference seen"
	}
	return l
}

// medianOf sorts values and gives their median with its interval.
func medianOf(values []float64) Interval {
	slices.Sort(values)
	n := len(values)
	i := Interval{Median: (values[(n-1)/2] + values[n/2]) / 2}
	if k := signRank(n); k > 0 {
		low, high := values[k-1], values[n-k]
		i.Low, i.High = &low, &high
	}
	return i
}

// signRank is the largest k for which the k-th smallest and the k-th largest of n
// values enclose the median with at least 95 %: 2·P(Bin(n, 1/2) < k) <= 0.05. It is
// 0 where there is none, below 6 values.
func signRank(n int) int {
	lgn, _ := math.Lgamma(float64(n) + 1)
	tail, k := 0.0, 0
	for {
		a, _ := math.Lgamma(float64(k) + 1)
		b, _ := math.Lgamma(float64(n-k) + 1)
		tail += math.Exp(lgn - a - b - float64(n)*math.Ln2)
		if 2*tail > 1-confidence {
			return k
		}
		k++
	}
}
