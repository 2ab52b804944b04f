package latency

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOccupancyEqualsSummation holds the closed forms of the queue to sums
// over its states, and all weights to those of the chain.
func TestOccupancyEqualsSummation(t *testing.T) {
	for _, p := range []Profile{
		{Alpha: 0.012, Beta: 3e-5, Gamma: 5e-7, MaxBatch: 64, MaxQueue: 640},
		{Alpha: 0.012, Beta: 3e-5, Gamma: 5e-7, MaxBatch: 3, MaxQueue: 5120},
		{Alpha: 0.012, Beta: 0, Gamma: 0, MaxBatch: 1, MaxQueue: 1},
		{Alpha: 0.012, Beta: 0, Gamma: 0, MaxBatch: 8, MaxQueue: 0},
	} {
		s, err := NewServer(p, Lengths{Input: 800, Output: 200})
		require.NoError(t, err)
		for _, load := range []float64{1e-3, 0.5, 0.95, 1 - 1e-12, 1, 1 + 1e-12, 1.01, 1.5, 100} {
			var o occupancy
			o.solve(s.period, s.queue, load*s.MaxRate())
			chain := probabilities(s, load*s.MaxRate())
			all := o.accepted() + o.full
			same := func(what string, got, want float64) {
				if math.Abs(got/all-want) > 1e-11 {
					t.Errorf("batch %d, queue %d, load %g: %s: got %g, want %g", p.MaxBatch, p.MaxQueue, load, what, got/all, want)
				}
			}
			queue := chain[p.MaxBatch : len(chain)-1]
			sum, ahead := 0.0, 0.0
			for j, probability := range queue {
				sum += probability
				ahead += float64(j+1) * probability
				same("place", o.place(j), probability)
			}
			for n, probability := range chain[:p.MaxBatch] {
				same("head", o.head[n], probability)
				sum += probability
			}
			same("all that are let in", o.accepted(), sum)
			same("full", o.full, chain[len(chain)-1])
			same("ahead", o.ahead/float64(p.MaxQueue+1), ahead/float64(p.MaxQueue+1))
			for _, m := range []float64{0, 1e-9, 0.3, 1, 30, 119, 121, 700, 5000, 20_000} {
				want, atMost := 0.0, 0.0
				for j, probability := range queue {
					atMost += poisson(m, j)
					want += probability * atMost
				}
				same("longer", o.longer(m), want)
			}
			for _, j := range []int{0, 1, p.MaxQueue / 2, p.MaxQueue} {
				want := 0.0
				for k := j; k < len(queue); k++ {
					want += queue[k]
				}
				same("tail", o.tail(j), want)
			}
		}
	}
}

// probabilities of the states of the chain, one after the other, from numbers
// that do not overflow.
func probabilities(s *Server, rate float64) []float64 {
	weights := []*big.Float{big.NewFloat(1)}
	all := big.NewFloat(1)
	for n := 1; n <= s.batch()+s.queue; n++ {
		ratio := big.NewFloat(rate * s.period[min(n, s.batch())-1])
		weights = append(weights, new(big.Float).Mul(weights[n-1], ratio))
		all.Add(all, weights[n])
	}
	probabilities := make([]float64, len(weights))
	for n, weight := range weights {
		probabilities[n], _ = new(big.Float).Quo(weight, all).Float64()
	}
	return probabilities
}

// poisson is the probability of k if the mean is m.
func poisson(m float64, k int) float64 {
	if m == 0 {
		return float64(max(0, 1-k))
	}
	gamma, _ := math.Lgamma(float64(k) + 1)
	return math.Exp(float64(k)*math.Log(m) - m - gamma)
}

func TestGeometric(t *testing.T) {
	for _, r := range []float64{0, 0.3, 0.999999999, 1} {
		sum, weighted := 0.0, 0.0
		for n := range 300 {
			gotSum, gotWeighted := geometric(r, n)
			if math.Abs(gotSum-sum) > 1e-12*sum || math.Abs(gotWeighted-weighted) > 1e-12*weighted {
				t.Fatalf("r %g, n %d: got %g and %g, want %g and %g", r, n, gotSum, gotWeighted, sum, weighted)
			}
			term := math.Pow(r, float64(n))
			sum, weighted = sum+term, weighted+float64(n)*term
		}
	}
}

func TestRounding(t *testing.T) {
	for _, x := range []float64{0, 1e-9, 0.012, 1, 1.0001, 3, 800, 1e9} {
		up, down := roundUp(x, lengthSteps), roundDown(x, lengthSteps)
		if down > x || up < x || up > x*(1+1.0/lengthSteps) || down < x*(1-1.0/lengthSteps) {
			t.Errorf("%g: got %g and %g", x, down, up)
		}
		if roundUp(up, lengthSteps) != up || roundDown(down, lengthSteps) != down {
			t.Errorf("%g: %g and %g are not steps", x, down, up)
		}
	}
}
