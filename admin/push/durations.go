package push

import (
	"math"
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// durations are counted in buckets up to each of bounds, in seconds, and one
// beyond; not cumulated. sum is that of all.
type durations struct {
	bounds []float64
	counts []uint64
	sum    float64
}

// add adds a histogram, which has the bounds of those before.
func (d *durations) add(h *dto.Histogram) {
	if d.counts == nil {
		for _, b := range h.GetBucket() {
			if !math.IsInf(b.GetUpperBound(), 1) {
				d.bounds = append(d.bounds, b.GetUpperBound())
			}
		}
		d.counts = make([]uint64, len(d.bounds)+1)
	}
	before := uint64(0)
	for i, b := range h.GetBucket() {
		if i < len(d.bounds) {
			d.counts[i] += b.GetCumulativeCount() - before
			before = b.GetCumulativeCount()
		}
	}
	d.counts[len(d.bounds)] += h.GetSampleCount() - before
	d.sum += h.GetSampleSum()
}

// since is what came on top of others, or all if those are no part of it.
func (d *durations) since(told *durations) durations {
	if !slices.Equal(d.bounds, told.bounds) || d.sum < told.sum {
		return *d
	}
	rest := durations{bounds: d.bounds, counts: slices.Clone(d.counts), sum: d.sum - told.sum}
	for i, n := range told.counts {
		if rest.counts[i] < n {
			return *d
		}
		rest.counts[i] -= n
	}
	return rest
}

func (d *durations) count() (n uint64) {
	for _, c := range d.counts {
		n += c
	}
	return n
}

// run are durations that lie at equal distances around a middle.
type run struct {
	n           uint64
	middle, far float64 // far is how far the outermost may be from the middle
}

// runs places the durations of each bucket so that all have their sum: in each
// bucket as far from its lower bound, as a share of its width.
func (d *durations) runs() []run {
	var low, width float64 // of all durations together
	for i, n := range d.counts[:len(d.bounds)] {
		low += float64(n) * d.lower(i)
		width += float64(n) * (d.bounds[i] - d.lower(i))
	}
	last := len(d.bounds)
	beyond := float64(d.counts[last])
	share := 0.0
	if rest := d.sum - low - beyond*d.lower(last); width > 0 {
		if share = rest / width; beyond > 0 {
			share = min(share, 1) / 2 // what is beyond the last bound has to be more than that
		}
		share = min(max(share, 0), 1)
	}
	var runs []run
	for i, n := range d.counts {
		switch {
		case n == 0:
		case i < last:
			at := d.lower(i) + share*(d.bounds[i]-d.lower(i))
			runs = append(runs, run{n, at, min(at-d.lower(i), d.bounds[i]-at)})
		default:
			at := max((d.sum-low-share*width)/beyond, d.lower(i))
			runs = append(runs, run{n, at, at - d.lower(i)})
		}
	}
	return runs
}

// lower is the lower bound of a bucket.
func (d *durations) lower(i int) float64 {
	if i == 0 {
		return 0
	}
	return d.bounds[i-1]
}

// sorted returns the durations of these ranks, which rise from 0.
func (d *durations) sorted(ranks []uint64) []float64 {
	values := make([]float64, 0, len(ranks))
	before := uint64(0)
	for _, r := range d.runs() {
		for len(values) < len(ranks) && ranks[len(values)] < before+r.n {
			at := float64(ranks[len(values)]-before) + 0.5
			values = append(values, r.middle+r.far*(2*at/float64(r.n)-1))
		}
		before += r.n
	}
	return values
}

// maxValues bounds the values that stand for the durations of one interval.
const maxValues = 100

// values are durations that stand for as many more as the rate says: each for
// 1/rate.
func (d *durations) values() (values []float64, rate float64) {
	n := d.count()
	some := min(n, maxValues)
	ranks := make([]uint64, some)
	for i := range ranks {
		ranks[i] = uint64((float64(i) + 0.5) * float64(n) / float64(some))
	}
	return d.sorted(ranks), float64(some) / max(float64(n), 1)
}

// percentiles, each a share of 1, rising.
func (d *durations) percentiles(of []float64) []float64 {
	n := d.count()
	ranks := make([]uint64, len(of))
	for i, share := range of {
		ranks[i] = min(uint64(share*float64(n)), n-1)
	}
	return d.sorted(ranks)
}
