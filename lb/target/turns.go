package target

import "slices"

// Turns lays out a weighted round robin: the indexes of weights in the order of
// their turns, which is repeated for ever and is empty if nothing weighs anything.
func Turns(weights []int) []int32 { return turns(weights) }

// maxTurns bounds the length of the picking order: shares are as exact as one
// in so many turns.
const maxTurns = 10_000

// turns lays out the weighted round robin in advance. Each target's turns are
// spread evenly rather than bunched: at every step each target gains its
// weight in credit, and the one with most credit pays the sum of all.
func turns(weights []int) []int32 {
	weights = reduce(weights)
	sum := 0
	for _, w := range weights {
		sum += w
	}
	order := make([]int32, 0, sum)
	credit := make([]int, len(weights))
	for range sum {
		best := -1
		for i, w := range weights {
			credit[i] += w
			if w > 0 && (best < 0 || credit[i] > credit[best]) {
				best = i
			}
		}
		credit[best] -= sum
		order = append(order, int32(best)) //nolint:gosec // there are no more members than turns
	}
	return order
}

// reduce makes the weights as small as they can be in the same proportion, and
// then small enough for maxTurns. A weight above 0 stays above 0.
func reduce(weights []int) []int {
	weights = slices.Clone(weights)
	sum, divisor := 0, 0
	for i, w := range weights {
		// What no one writes on purpose must not overflow the sum.
		weights[i] = min(max(w, 0), 1<<30)
		sum += weights[i]
		divisor = gcd(divisor, weights[i])
	}
	if sum == 0 {
		return weights
	}
	for i := range weights {
		weights[i] /= divisor
	}
	if sum /= divisor; sum <= maxTurns {
		return weights
	}
	for i, w := range weights {
		if w > 0 {
			weights[i] = max(1, w*maxTurns/sum)
		}
	}
	return weights
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
