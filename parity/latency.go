package parity

import (
	"math"
	"time"
)

// Latency compares how long both sides took for the same operations: the median of
// candidate over control, with the interval in which it lies with 99 % confidence.
// Who begins and who goes first is left to chance in each read. Operations that did
// not pass are left out.
type Latency struct {
	N     int     `json:"n"`
	Ratio float64 `json:"ratio"` // 1.1: the candidate takes 10 % longer; 0: nothing was compared
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// SlowerThan says that the candidate surely takes more than factor times as long.
func (l Latency) SlowerThan(factor float64) bool { return l.N > 0 && l.Low > factor }

// ratios counts the logarithms of ratios in bins: a median is not moved by the few
// operations that a busy machine made wait.
type ratios struct {
	n    int
	bins [2 * halfBins]uint32
}

const (
	binWidth = 0.005 // half a percent
	halfBins = 1000  // up to a ratio of 150
)

func (r *ratios) add(control, candidate time.Duration) {
	if control <= 0 || candidate <= 0 {
		return
	}
	bin := math.Floor(math.Log(float64(candidate)/float64(control)) / binWidth)
	r.bins[int(min(max(bin, -halfBins), halfBins-1))+halfBins]++
	r.n++
}

// confidence99 is how many standard deviations the interval has on each side.
const confidence99 = 2.576

func (r *ratios) latency() Latency {
	if r.n == 0 {
		return Latency{}
	}
	// How many of n lie below the median is binomial.
	n := float64(r.n)
	e := confidence99 * math.Sqrt(n) / 2
	return Latency{N: r.n, Ratio: r.at(n / 2), Low: r.at(n/2 - e), High: r.at(n/2 + e)}
}

// at is the ratio of the given rank.
func (r *ratios) at(rank float64) float64 {
	below := 0.0
	for i, count := range r.bins {
		if c := float64(count); below+c >= rank && c > 0 {
			within := max((rank-below)/c, 0)
			return math.Exp((float64(i-halfBins) + within) * binWidth)
		}
		below += float64(r.bins[i])
	}
	return math.Exp(halfBins * binWidth)
}
