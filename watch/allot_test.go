package watch

import (
	"testing"
)

func TestAllot(t *testing.T) {
	for name, test := range map[string]struct {
		slots, own int
		scopes     []int
		want       allotment
	}{
		"health only":           {64, 0, []int{5000}, allotment{surveys: 1, workers: 32, promoted: 29}},
		"some others":           {64, 10, []int{5000}, allotment{surveys: 1, loops: 10, workers: 32, promoted: 19}},
		"others press workers":  {64, 50, []int{5000}, allotment{surveys: 1, loops: 50, workers: 11}},
		"too many others":       {64, 500, []int{5000}, allotment{surveys: 1, loops: 57, workers: 4}},
		"no health":             {64, 500, nil, allotment{loops: 60, workers: 4}},
		"many scopes":           {64, 0, []int{90, 80, 70, 60, 50, 40, 30, 20, 10, 9, 8, 7}, allotment{surveys: 10, loops: 15, workers: 19}},
		"a small scope":         {64, 0, []int{100, 3}, allotment{surveys: 1, loops: 3, workers: 32, promoted: 26}},
		"no room for a survey":  {4, 0, []int{100}, allotment{loops: 3, workers: 1}},
		"room for one survey":   {8, 1, []int{100}, allotment{surveys: 1, loops: 1, workers: 4, promoted: 0}},
		"a single connection":   {1, 5, nil, allotment{workers: 1}},
		"no connection to give": {0, 5, nil, allotment{workers: 1}},
		"shared connections":    {6400, 1, []int{9000}, allotment{surveys: 1, loops: 1, workers: 400, promoted: 5996}},
	} {
		t.Run(name, func(t *testing.T) {
			got := allot(test.slots, test.own, test.scopes)
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			sum := got.surveys*MaxSurveyRequests + got.loops + got.workers + got.promoted
			if sum > max(1, test.slots) {
				t.Errorf("%+v is %d, more than the %d there are", got, sum, test.slots)
			}
		})
	}
}
