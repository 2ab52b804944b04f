package latency

import "math"

// mixture is the distribution of the iterations of a server with a given
// number in service, while requests arrive at a given rate.
//
// Its state is the prompt tokens that wait when an iteration starts. The
// iteration computes as many of them as the token budget leaves room for, and
// the prompts that arrive meanwhile are there at the next one.
type mixture struct {
	decoding float64       // of those in service
	room     float64       // bins that an iteration takes
	time     [bins]float64 // of an iteration, by the state
	share    [bins]float64 // of the iterations, by the state
	groups   [groups]group // of the iterations, by how long they are
	last     [bins]float64 // time that these tokens take with the shortest prompt, up to the end of the last iteration

	longer [bins]float64 // shares of the iterations of this and the following states

	step     float64 // mean time of an iteration
	overflow float64 // mean time of what waits beyond the last bin; 0 if nothing does
}

const (
	negligible = 1e-12 // share
	groups     = 4     // of iterations
)

// group are iterations of about the same length.
type group struct {
	share, time float64       // of the iterations; their mean time
	met         float64       // share of the arrivals that fall into one
	seen        [bins]float64 // of the arrivals: the state when it ends
	found       [bins]float64 // of the arrivals, by the tokens up to the end of their own prompt that are more than the shortest prompt
}

// solve finds the stationary distribution while d requests decode.
func (m *mixture) solve(k *kinds, p *prompts, d, rate float64) {
	m.decoding = d
	m.times(k, p)
	c := &transitions{reach: int(m.room) + 1}
	for j := range c.to {
		m.next(p, rate, j, 1, &c.to[j])
	}
	m.share = c.stationary()
	m.measure(k, p, rate)
}

// times sets the times of the iterations.
func (m *mixture) times(k *kinds, p *prompts) {
	m.room = min(k.room(m.decoding)/p.unit, bins-1)
	m.time[0] = k.decode(m.decoding)
	for j := 1; j < bins; j++ {
		m.time[j] = k.mixed(m.decoding, min(float64(j), m.room)*p.unit)
	}
	for j := range m.last {
		m.last[j] = k.prompt(m.decoding, p.exact[0]+float64(j)*p.unit)
	}
}

// next adds what is there after an iteration that started with a state, times a
// share: what it left, and what joined meanwhile.
func (m *mixture) next(p *prompts, rate float64, j int, share float64, to *[bins]float64) {
	level, part := p.level(rate * m.time[j])
	left := max(0, float64(j)-m.room)
	low := int(left)
	upper := share * (left - float64(low)) // left is between two bins
	p.join(to, low, level, part, share-upper)
	if upper > 0 {
		p.join(to, low+1, level, part, upper)
	}
}

// measure sets the means, and what arrivals find.
func (m *mixture) measure(k *kinds, p *prompts, rate float64) {
	m.step = m.mean(&m.share, func(j int) float64 { return m.time[j] })
	beyond := 0.0
	for j := bins - 1; j >= 0; j-- {
		beyond += m.share[j]
		m.longer[j] = beyond
	}
	m.divide(p, rate)
	m.overflown(k, p, rate)
}

// divide forms the groups: iterations without a chunk, and those with one in
// parts that arrivals fall into equally often.
func (m *mixture) divide(p *prompts, rate float64) {
	m.groups = [groups]group{}
	carrying, before := m.step-m.share[0]*m.time[0], 0.0
	for j, share := range m.share {
		if share <= negligible {
			continue
		}
		g := &m.groups[0]
		if j > 0 {
			g = &m.groups[min(1+int((groups-1)*before/carrying), groups-1)]
			before += share * m.time[j]
		}
		g.share += share
		g.time += share * m.time[j]
		m.next(p, rate, j, share*m.time[j]/m.step, &g.seen)
	}
	for i := range m.groups {
		g := &m.groups[i]
		if g.share == 0 {
			continue
		}
		g.met = g.time / m.step
		g.time /= g.share
		for j, share := range g.seen {
			if share > negligible {
				p.add(&g.found, j, share)
			}
		}
	}
}

// overflown continues what arrivals find beyond the last bin: exponentially, as
// the wait for a single server in heavy traffic.
func (m *mixture) overflown(k *kinds, p *prompts, rate float64) {
	share, whole := k.busy(m.decoding, rate)
	if share == 0 {
		return
	}
	const most = 0.999
	m.overflow = whole * (1 + k.inputCV*k.inputCV) / (2 * (1 - min(share, most)))
	bin := whole * p.unit / k.input
	for i := range m.groups {
		m.groups[i].continued(math.Expm1(bin/m.overflow), share >= most)
	}
}

// continued makes the last bin that of an exponential tail; a budget that is
// used up leaves everything there.
func (g *group) continued(rise float64, always bool) {
	beyond := g.found[bins-2] / rise
	if always {
		beyond = g.met
	}
	g.found[bins-1] = max(g.found[bins-1], beyond)
	all := 0.0
	for _, share := range g.found {
		all += share
	}
	for j := range g.found {
		g.found[j] *= g.met / max(all, negligible)
	}
}

// mean averages over states.
func (m *mixture) mean(shares *[bins]float64, of func(j int) float64) float64 {
	sum := 0.0
	for j, share := range shares {
		if share > 0 {
			sum += share * of(j)
		}
	}
	return sum
}

// later is the share of the arrivals whose first token takes longer. An arrival
// finds the more prompts, the longer the running iteration is. The one that is
// scheduled behind it was put together before.
func (m *mixture) later(target float64) float64 {
	sum := 0.0
	for r := range m.groups {
		running := &m.groups[r]
		for j, share := range running.found {
			if share <= negligible {
				continue
			}
			rest := target - m.last[j]
			if j == bins-1 && m.overflow > 0 {
				sum += share * math.Exp(-max(0, rest-running.time/2-m.step)/m.overflow)
				continue
			}
			for s := range m.groups {
				scheduled := &m.groups[s]
				sum += share * scheduled.share * min(1, max(0, 1-(rest-scheduled.time)/running.time))
			}
		}
	}
	return min(1, sum)
}
