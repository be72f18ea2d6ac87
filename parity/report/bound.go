package report

import (
	"fmt"
	"math"
)

const confidence = 0.95

// boundOf is what k mismatches of n comparisons say about the operations that these
// are a sample of.
func boundOf(k, n int64) Bound {
	b := Bound{Compared: n, Differing: k, Confidence: confidence}
	switch {
	case n == 0:
		b.Method, b.Upper = "none", 1
		b.Text = "nothing was compared, so nothing is known"
	case k == 0:
		b.Method, b.Upper = "rule of three", math.Min(1, 3/float64(n))
		b.Text = fmt.Sprintf("0 of %s differ: under %s of operations like these, at 95 %% (3/n)", thousands(n), percent(b.Upper))
	default:
		b.Method = "Clopper-Pearson"
		b.Lower, b.Upper = clopperPearson(k, n, 1-confidence)
		b.Text = fmt.Sprintf("%s of %s differ: between %s and %s of operations like these, at 95 %% (Clopper-Pearson)", thousands(k), thousands(n), percent(b.Lower), percent(b.Upper))
	}
	return b
}

// clopperPearson is the exact two-sided interval of a share at level 1-alpha.
func clopperPearson(k, n int64, alpha float64) (low, high float64) {
	low, high = 0, 1
	if k > 0 { // P(X >= k) = alpha/2 at the lower end
		low = bisect(func(p float64) bool { return betaIncomplete(float64(k), float64(n-k+1), p) < alpha/2 })
	}
	if k < n { // P(X <= k) = alpha/2 at the upper end
		high = bisect(func(p float64) bool { return 1-betaIncomplete(float64(k+1), float64(n-k), p) > alpha/2 })
	}
	return low, high
}

// bisect finds in [0, 1] where below turns from true to false.
func bisect(below func(float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 100 {
		if mid := (low + high) / 2; below(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// betaIncomplete is the regularized incomplete beta function I_x(a, b), by its
// continued fraction (Lentz's method).
func betaIncomplete(a, b, x float64) float64 {
	if x <= 0 {
		return 0
	}
	if x >= 1 {
		return 1
	}
	if x > (a+1)/(a+b+2) { // where the fraction converges quickly
		return 1 - betaIncomplete(b, a, 1-x)
	}
	lga, _ := math.Lgamma(a)
	lgb, _ := math.Lgamma(b)
	lgab, _ := math.Lgamma(a + b)
	front := math.Exp(lgab - lga - lgb + a*math.Log(x) + b*math.Log1p(-x))
	const tiny = 1e-300
	guard := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/guard(1-(a+b)*x/(a+1))
	f := d
	for i := 1; i < 10_000; i++ {
		m := float64(i)
		step := func(t float64) float64 {
			d = 1 / guard(1+t*d)
			c = guard(1 + t/c)
			return c * d
		}
		f *= step(m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m)))
		change := step(-(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1)))
		f *= change
		if math.Abs(change-1) < 1e-14 {
			break
		}
	}
	return front * f / a
}
