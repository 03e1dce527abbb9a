package lb

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWeights(t *testing.T) {
	tests := []struct {
		shares []float64
		want   []int
	}{
		{[]float64{0.3, 0}, []int{3000, 7000}},
		{[]float64{0.2, 0, 0}, []int{2000, 4000, 4000}},
		{[]float64{0.01}, []int{10000}},
		{[]float64{0.1, 0.3}, []int{2500, 7500}},
		{[]float64{3, 1, 0}, []int{7500, 2500, 0}},
		{[]float64{1, 0}, []int{10000, 0}},
		{[]float64{0.00001, 0}, []int{1, 10000}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, weights(test.shares)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.shares, diff)
		}
	}
}
