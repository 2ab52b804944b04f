package sim

import (
	"math"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
)

// physics is how fast a server of a variant is with requests of given mean lengths.
//
// An iteration that computes x tokens and reads c cached ones takes alpha + beta x + gamma c. Each request in service adds one token
// and reads its context; prompts are computed in chunks, as far as the token budget of the iteration allows. So iterations are of two
// kinds: short ones that only decode, and long ones with a chunk of a prompt.
type physics struct {
	scenario.Profile
	input, output float64
	role          int
	kv            float64 // tokens; 0: no limit
}

func physicsOf(v *variant, m *model) physics {
	return physics{Profile: v.Profile, input: m.input, output: m.output, role: roleOf(v.Role), kv: v.KVTokens}
}

// iteration is how long an iteration takes that computes tokens, of which some are of prompts, and reads context. A token of a prompt has
// half a prompt before it, as on average, and the longest of those that decode is about to end.
func (p *physics) iteration(tokens, prompts, context float64) float64 {
	return p.attending(tokens, prompts, context, prompts*p.input/2, min(context, p.input+p.output))
}

// attending is iteration where the tokens of prompts attend to so many before them, in sum, and the longest context that decodes is known.
func (p *physics) attending(tokens, prompts, context, before, longest float64) float64 {
	if p.Chunk == nil || prompts <= 0 {
		return float64(p.Alpha) + float64(p.Beta)*tokens + float64(p.Gamma)*context
	}
	decode := p.iteration(tokens-prompts, 0, context)
	return max(decode, float64(p.Chunk.Alpha)+float64(p.Chunk.Beta)*tokens+float64(p.Chunk.Gamma)*context+
		float64(p.Chunk.Attention)*before+waited(float64(p.Chunk.Longest)*longest, float64(p.Chunk.Gamma)*context))
}

// waited is how long an iteration waits for its longest context after all others were read, if that context was begun at any time of this.
func waited(longest, others float64) float64 {
	if longest >= others {
		return longest - others/2
	}
	return longest * longest / (2 * others)
}

// typical is the mean length of an iteration where prompts come at random, with so many of their tokens in a mean one. They are
// in few iterations, or in all: with a single kind of iterations that makes no difference.
func (p *physics) typical(decode, prompts, context float64) float64 {
	if p.Chunk == nil {
		return p.iteration(decode+prompts, prompts, context)
	}
	share := -math.Expm1(-prompts / min(p.input, float64(p.MaxBatchTokens))) // of the iterations that have any
	if share <= 0 {
		return p.iteration(decode, 0, context)
	}
	return (1-share)*p.iteration(decode, 0, context) + share*p.iteration(decode+prompts/share, prompts/share, context)
}

// most is how many requests fit into service at once.
func (p *physics) most() float64 {
	n := float64(p.MaxBatch)
	if p.kv > 0 {
		n = min(n, math.Floor(p.kv/(p.input+p.output)))
	}
	return max(1, n)
}

// mean is the mean length of an iteration with n requests in service, and how long a request is in service.
func (p *physics) mean(n float64) (iteration, service float64) {
	budget := float64(p.MaxBatchTokens)
	switch p.role {
	case rolePrefill:
		chunks := max(1, p.input/budget)
		some, all := min(budget, n*p.input), min(budget, max(1, n)*p.input)
		iteration = p.iteration(all, all, 0)
		perPrompt := p.iteration(some, some, 0) * p.input / all
		return iteration, max(perPrompt*max(1, n), chunks*iteration)
	case roleDecode:
		iteration = p.iteration(n, 0, n*(p.input+p.output/2))
		return iteration, max(1, p.output-1) * iteration
	}
	prompts := n * p.input / p.output // tokens of prompts in a mean iteration, in the steady state
	decode := n * (p.output - 1) / p.output
	context := n * (p.input + p.output/2)
	room := max(1, budget-decode)
	if prompts <= room {
		iteration = p.typical(decode, prompts, context)
		return iteration, p.output * iteration
	}
	iteration = p.iteration(budget, room, context)
	return iteration, n * p.input / room * iteration
}

// first is how long a request takes from admission to its first token, with n in service: half an iteration that runs already, and
// those with its prompt.
func (p *physics) first(n float64) float64 {
	iteration, _ := p.mean(n)
	if p.role == roleDecode {
		return 0
	}
	budget := max(1, float64(p.MaxBatchTokens)-n)
	chunks := math.Ceil(p.input / budget)
	context := n * (p.input + p.output/2)
	if p.role == rolePrefill {
		n, context = 0, 0
	}
	wait := iteration / 2
	if p.Async {
		wait += iteration // the next is put together already
	}
	per := p.input / chunks
	return wait + chunks*p.iteration(n+per, per, context)
}

// itl is the mean time between the tokens of a request, with n in service.
func (p *physics) itl(n float64) float64 {
	if p.role == rolePrefill {
		return 0
	}
	iteration, service := p.mean(n)
	if p.output > 1 && p.role == roleBoth {
		return max(iteration, (service-p.first(n))/(p.output-1))
	}
	return iteration
}

// largestRate is the largest rate of requests that a server carries within the targets; 0 where it cannot meet them at all.
func (p *physics) largestRate(ttft, itl float64) float64 {
	best := 0.0
	for n := 1.0; n <= p.most(); n++ {
		if ttft > 0 && p.first(n) > ttft || itl > 0 && p.itl(n) > itl {
			break
		}
		_, service := p.mean(n)
		best = max(best, n/service)
	}
	return best
}
