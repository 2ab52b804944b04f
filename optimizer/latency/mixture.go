package latency

import (
	"math"
	"sort"
)

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
	found    [bins]float64 // of the arrivals, by the tokens up to the end of their own prompt that are more than the shortest prompt
	last     [bins]float64 // time that these tokens take with the shortest prompt, up to the end of the last iteration

	step     float64 // mean time of an iteration
	overflow float64 // mean time of what waits beyond the last bin; 0 if nothing does
	residual tail    // of the running iteration, when a request arrives
}

const negligible = 1e-12 // share

// solve finds the stationary distribution beside d decoding requests.
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
	m.residual = tail{}
	for j := bins - 1; j >= 0; j-- {
		m.residual.time[j], m.residual.share[j] = m.time[j], m.share[j]
		if j+1 < bins {
			m.residual.share[j] += m.residual.share[j+1]
			m.residual.sum[j] = m.residual.sum[j+1]
		}
		m.residual.sum[j] += m.share[j] * m.time[j]
	}
	var seen [bins]float64 // when the iteration ends that an arrival falls into
	for j, share := range m.share {
		if share > negligible {
			m.next(p, rate, j, share*m.time[j]/m.step, &seen)
		}
	}
	m.found = [bins]float64{}
	for i, share := range seen {
		if share > negligible {
			p.add(&m.found, i, share)
		}
	}
	m.overflown(k, p, rate)
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
	beyond := m.found[bins-2] / math.Expm1(bin/m.overflow)
	if share >= most {
		beyond = 1
	}
	m.found[bins-1] = max(m.found[bins-1], beyond)
	all := 0.0
	for _, share := range m.found {
		all += share
	}
	for j := range m.found {
		m.found[j] /= all
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

// later is the share of the arrivals whose first token takes longer. The
// iteration that is scheduled behind the running one is of either kind.
func (m *mixture) later(target float64) float64 {
	plain, carrying := m.share[0], 1-m.share[0]
	long := m.time[0]
	if carrying > negligible {
		long = (m.step - plain*m.time[0]) / carrying
	}
	sum := 0.0
	for j, share := range m.found {
		if share > negligible {
			rest := target - m.last[j]
			if j == bins-1 && m.overflow > 0 {
				sum += share * math.Exp(-max(0, rest)/m.overflow)
				continue
			}
			sum += share * (plain*m.residual.beyond(rest-m.time[0], m.step) + carrying*m.residual.beyond(rest-long, m.step))
		}
	}
	return min(1, sum)
}

// tail tells how much of the running iteration an arrival finds left.
type tail struct {
	time       [bins]float64 // rising
	share, sum [bins]float64 // of this and longer iterations: their share, and that times their time
}

// beyond is the share of the arrivals that find more than r left.
func (t *tail) beyond(r, step float64) float64 {
	if r <= 0 {
		return 1
	}
	i := sort.Search(bins, func(j int) bool { return t.time[j] > r })
	if i == bins {
		return 0
	}
	return max(0, t.sum[i]-r*t.share[i]) / step
}
