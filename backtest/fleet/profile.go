package fleet

import "time"

// Profile is how fast a model server is: the coefficients of the latency model in the package's documentation.
type Profile struct {
	// Alpha is the fixed time of one iteration, Beta the compute time and Gamma the memory time per token, in seconds.
	Alpha, Beta, Gamma float64
	// MaxBatch is the largest number of requests in service at once (vLLM's max_num_seqs).
	MaxBatch int
}

// Lengths are a request's input and output tokens.
type Lengths struct {
	Input, Output int
}

// SLO is the latency that a model's users are promised. A zero target promises nothing.
type SLO struct {
	TTFT, ITL time.Duration
}

// share is what one request adds to every iteration, in seconds.
func (p Profile) share(l Lengths) float64 {
	in, out := float64(l.Input), float64(l.Output)
	return p.Beta*(in+out)/(out+1) + p.Gamma*(in+out/2)
}

// prefillExtra is what a prefill takes beyond one iteration, in seconds.
func (p Profile) prefillExtra(l Lengths) float64 {
	return (p.Beta + p.Gamma) * float64(l.Input)
}

// decodeExtra is what an output token takes beyond one iteration, in seconds.
func (p Profile) decodeExtra(l Lengths) float64 {
	return p.Beta + p.Gamma*(float64(l.Input)+float64(l.Output)/2)
}

// Iteration is T(n), in seconds: one iteration with n requests of these lengths in service.
func (p Profile) Iteration(n int, l Lengths) float64 {
	return p.Alpha + float64(n)*p.share(l)
}

// Prefill is the time from admission to the end of the prefill, in seconds, with n requests in service.
func (p Profile) Prefill(n int, l Lengths) float64 {
	return p.Iteration(n, l) + p.prefillExtra(l)
}

// Decode is the time of one output token, in seconds, with n requests in service.
func (p Profile) Decode(n int, l Lengths) float64 {
	return p.Iteration(n, l) + p.decodeExtra(l)
}

// Rate is mu(n): the requests per second that a server completes with n of them in service. Beyond MaxBatch it grows no more.
func (p Profile) Rate(n int, l Lengths) float64 {
	n = min(n, p.MaxBatch)
	return float64(n) / (p.Prefill(n, l) + float64(l.Output)*p.Decode(n, l))
}

// Concurrency is the capacity of a server in requests: the largest number in service at which a request that does not have to
// wait still meets both targets. It is 0 when even a single request cannot.
func (p Profile) Concurrency(l Lengths, slo SLO) int {
	for n := p.MaxBatch; n > 0; n-- {
		decode := p.Decode(n, l)
		meetsTTFT := slo.TTFT == 0 || p.Prefill(n, l)+decode <= slo.TTFT.Seconds()
		if meetsTTFT && (slo.ITL == 0 || decode <= slo.ITL.Seconds()) {
			return n
		}
	}
	return 0
}

// valid is whether a server of this profile makes progress.
func (p Profile) valid() bool {
	return p.Alpha > 0 && p.Beta >= 0 && p.Gamma >= 0 && p.MaxBatch >= 1
}
