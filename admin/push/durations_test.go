package push

import (
	"math"
	"math/rand/v2"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

var testBounds = []float64{0.001, 0.01, 0.1, 1, 10}

// histogramOf is what is gathered of these durations.
func histogramOf(seconds ...float64) *dto.Histogram {
	h, n := &dto.Histogram{}, uint64(len(seconds))
	sum := 0.0
	for _, bound := range testBounds {
		count := uint64(0)
		for _, s := range seconds {
			if s <= bound {
				count++
			}
		}
		h.Bucket = append(h.Bucket, &dto.Bucket{UpperBound: &bound, CumulativeCount: &count})
	}
	for _, s := range seconds {
		sum += s
	}
	h.SampleCount, h.SampleSum = &n, &sum
	return h
}

func durationsOf(seconds ...float64) *durations {
	d := &durations{}
	d.add(histogramOf(seconds...))
	return d
}

func TestValuesOfFewAreThoseCounted(t *testing.T) {
	for name, seconds := range map[string][]float64{
		"one":              {0.0317},
		"one beyond":       {25},
		"two of a bucket":  {0.05, 0.05},
		"none of anything": nil,
	} {
		values, rate := durationsOf(seconds...).values()
		if len(values) != len(seconds) || len(seconds) > 0 && rate != 1 {
			t.Errorf("%s: %d values with rate %v for %d", name, len(values), rate, len(seconds))
		}
		if want := sumOf(seconds); math.Abs(sumOf(values)-want) > 1e-9 {
			t.Errorf("%s: the values %v are %v together, not %v", name, values, sumOf(values), want)
		}
	}
}

func TestValuesKeepSumAndBuckets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		seconds := make([]float64, 1+random.IntN(maxValues))
		for i := range seconds {
			seconds[i] = math.Pow(10, random.Float64()*5.5-3.5)
		}
		d := durationsOf(seconds...)
		values, _ := d.values()
		if math.Abs(sumOf(values)-sumOf(seconds)) > 1e-6*sumOf(seconds) {
			t.Fatalf("%v together, not %v: %v for %v", sumOf(values), sumOf(seconds), values, seconds)
		}
		again := durationsOf(values...)
		for i := range d.counts {
			if d.counts[i] != again.counts[i] {
				t.Fatalf("bucket %d has %d and not %d: %v for %v", i, again.counts[i], d.counts[i], values, seconds)
			}
		}
	}
}

func TestManyDurationsAreToldByFewValues(t *testing.T) {
	seconds := make([]float64, 10*maxValues)
	for i := range seconds {
		if seconds[i] = 0.05; i%4 == 0 {
			seconds[i] = 0.5
		}
	}
	values, rate := durationsOf(seconds...).values()
	if len(values) != maxValues || rate != 0.1 {
		t.Fatalf("%d values with rate %v", len(values), rate)
	}
	if slow := durationsOf(values...).counts[3]; slow != maxValues/4 {
		t.Errorf("%d of %d values are slow, want a quarter", slow, maxValues)
	}
	if p := durationsOf(seconds...).percentiles([]float64{0.5, 0.9}); p[0] > 0.1 || p[1] <= 0.1 {
		t.Errorf("half below %v, nine tenths below %v", p[0], p[1])
	}
}

func TestDurationsSince(t *testing.T) {
	before, now := durationsOf(0.02, 0.5), durationsOf(0.02, 0.5, 0.03, 20)
	if d := now.since(before); d.count() != 2 || d.counts[2] != 1 || d.counts[5] != 1 || math.Abs(d.sum-20.03) > 1e-9 {
		t.Errorf("since: %+v", d)
	}
	if d := before.since(now); d.count() != 2 {
		t.Errorf("a histogram that began anew: %+v", d)
	}
}

func sumOf(values []float64) (sum float64) {
	for _, v := range values {
		sum += v
	}
	return sum
}
