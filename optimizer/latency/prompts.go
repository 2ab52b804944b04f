package latency

import "math"

const (
	bins   = 48 // of tokens that wait for their iteration
	levels = 24 // of the mean number of prompts that join an iteration
	atoms  = 32 // that stand for the lengths of prompts
)

// prompts is the distribution of the prompt tokens that join an iteration:
// those of a Poisson number of prompts. Tokens are counted in bins.
type prompts struct {
	unit    float64             // tokens of a bin
	exact   [atoms]float64      // equally likely lengths, in tokens
	length  [bins]float64       // share of the prompts, by bins
	longer  [bins]float64       // the same, by what is more than the shortest
	most    float64             // prompts that join an iteration, at most
	mean    [levels + 1]float64 // prompts that join, at each level
	joining [levels + 1]joined  // by their mean number

	support int // bins that lengths reach
}

// joined is the distribution of the tokens that join an iteration.
type joined struct {
	share  [bins]float64
	end    int           // bins of which any has a share that counts
	beyond [bins]float64 // shares of this and the following bins
}

// fill works out the distribution of prompts of equally likely lengths, of
// which up to most on average join an iteration.
func (p *prompts) fill(lengths [atoms]float64, unit, most float64) {
	p.unit, p.most = unit, most
	p.length, p.longer = [bins]float64{}, [bins]float64{}
	p.exact = lengths
	for _, tokens := range p.exact {
		p.put(&p.length, tokens)
		p.put(&p.longer, tokens-p.exact[0])
	}
	p.support = bins - 1
	for p.support > 0 && p.length[p.support] == 0 {
		p.support--
	}
	for level := range p.joining {
		part := float64(level) / levels // they are closer where it is small
		p.mean[level] = most * part * part
		p.compound(&p.joining[level], p.mean[level])
	}
}

// add adds one more prompt, less the shortest, to a share of what is there. The
// shortest counts exactly: most of a prompt shorter than a bin would else be in
// the first one, with no prompt at all.
func (p *prompts) add(to *[bins]float64, at int, share float64) {
	for j, length := range p.longer[:p.support+1] {
		to[min(at+j, bins-1)] += share * length
	}
}

// put adds an atom of a length, split between the bins next to it so that the mean stays.
func (p *prompts) put(to *[bins]float64, tokens float64) {
	const share = 1.0 / atoms
	at := min(tokens/p.unit, bins-1)
	low := int(at)
	to[low] += share * (1 - (at - float64(low)))
	if low+1 < bins {
		to[low+1] += share * (at - float64(low))
	}
}

// compound is the distribution of the sum of a Poisson number of prompts, by
// Panjer's recursion; what is beyond the last bin is put there.
func (p *prompts) compound(to *joined, mean float64) {
	sum := &to.share
	sum[0] = math.Exp(-mean * (1 - p.length[0]))
	rest := 1 - sum[0]
	for k := 1; k < bins; k++ {
		total := 0.0
		for j := 1; j <= min(k, p.support); j++ {
			total += float64(j) * p.length[j] * sum[k-j]
		}
		sum[k] = mean / float64(k) * total
		rest -= sum[k]
	}
	sum[bins-1] += max(rest, 0)
	to.beyond[bins-1] = sum[bins-1]
	for k := bins - 2; k >= 0; k-- {
		to.beyond[k] = to.beyond[k+1] + sum[k]
	}
	to.end = bins
	for to.end > 1 && sum[to.end-1] < negligible {
		to.end--
	}
}

// level returns the level below a mean number of prompts that join, and how far
// it is on the way to the next.
func (p *prompts) level(mean float64) (below int, part float64) {
	if p.most <= 0 {
		return 0, 0
	}
	below = min(int(levels*math.Sqrt(min(mean/p.most, 1))), levels-1)
	low, high := p.mean[below], p.mean[below+1]
	return below, min(1, (mean-low)/(high-low))
}

// add puts a share of what joins behind the bins that are left.
func (j *joined) add(to *[bins]float64, left int, share float64) {
	end := min(j.end, bins-1-left)
	for i, part := range j.share[:end] {
		to[left+i] += share * part
	}
	to[bins-1] += share * j.beyond[end]
}

// join puts a share of what joins between two levels behind the bins that are
// left.
func (p *prompts) join(to *[bins]float64, left, level int, part, share float64) {
	p.joining[level].add(to, left, share*(1-part))
	if part > 0 {
		p.joining[level+1].add(to, left, share*part)
	}
}

// lengths are equally likely lengths of prompts, lognormal, with their attention.
func (k *kinds) lengths() [atoms]float64 {
	values := lognormal(k.input, k.inputCV)
	for i := range values {
		values[i] = k.felt(values[i])
	}
	return averaging(values, k.input)
}

// lognormal are equally likely lengths of a mean and a coefficient of variation.
func lognormal(mean, cv float64) [atoms]float64 {
	var values [atoms]float64
	sigma := math.Sqrt(math.Log1p(cv * cv))
	for i := range values {
		values[i] = math.Exp(sigma * math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/atoms-1))
	}
	return averaging(values, mean)
}

// averaging scales values to a mean.
func averaging(values [atoms]float64, mean float64) [atoms]float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	for i := range values {
		values[i] *= mean * atoms / sum
	}
	return values
}
