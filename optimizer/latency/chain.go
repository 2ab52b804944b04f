package latency

import (
	"math"
	"slices"
)

// occupancy is the stationary distribution of the number of requests in a
// server: a birth-death chain with births at the rate of arrivals and deaths
// at mu(min(n, batch)), n = 0 .. batch + queue.
//
// Its weights are not normalized. They are built outward from the most likely
// state, which weighs 1, so that they only fall: nothing overflows, and what
// underflows does not matter. The queue, whose weights are a geometric
// sequence, is summed in closed form.
type occupancy struct {
	rate  float64   // arrivals per second
	head  []float64 // weight of n in the server, at n, up to the batch
	ratio float64   // of the weights of neighbours in the queue
	queue int       // places in the queue

	// The server's: the time per departure 1/mu(n), at n-1.
	period []float64

	straight float64 // weight of the states that let an arrival into service
	queued   float64 // weight of those that let it wait
	ahead    float64 // of these, weighted with the departures it waits for
	full     float64 // weight of the state that turns it away
}

// solve works out the distribution at a rate of arrivals, which come to a
// server with the given times per departure and places in the queue.
func (o *occupancy) solve(period []float64, queue int, rate float64) {
	if !(rate > 0) {
		rate = 0
	}
	batch := len(period)
	o.period, o.rate, o.queue, o.ratio = period, rate, queue, rate*period[batch-1]
	o.head = slices.Grow(o.head[:0], batch+1)[:batch+1]
	if o.ratio <= 1 {
		o.fromBatch()
	} else {
		o.fromFull()
	}
	o.straight = 0
	for _, weight := range o.head[:batch] {
		o.straight += weight
	}
}

// fromBatch weighs the states of a server that keeps up: the most likely one
// has no request waiting.
func (o *occupancy) fromBatch() {
	batch := o.batch()
	mode := 0 // mu grows with n: weights rise while the rate exceeds it
	for mode < batch && o.rate*o.period[mode] >= 1 {
		mode++
	}
	o.head[mode] = 1
	for n := mode; n < batch; n++ {
		o.head[n+1] = o.head[n] * (o.rate * o.period[n])
	}
	o.below(mode)
	places, later := geometric(o.ratio, o.queue)
	last := o.head[batch]
	o.queued, o.ahead = last*places, last*(places+later)
	o.full = last * math.Pow(o.ratio, float64(o.queue))
}

// fromFull weighs the states of a server that does not keep up: the most
// likely one is the full queue.
func (o *occupancy) fromFull() {
	down := 1 / o.ratio
	places, later := geometric(down, o.queue)
	o.full = 1
	o.queued, o.ahead = down*places, down*(float64(o.queue)*places-later)
	o.head[o.batch()] = math.Pow(down, float64(o.queue))
	o.below(o.batch())
}

// below weighs the states below n.
func (o *occupancy) below(n int) {
	for ; n > 0; n-- {
		o.head[n-1] = o.head[n] / (o.rate * o.period[n-1])
	}
}

// accepted is the weight of the states that do not turn an arrival away.
func (o *occupancy) accepted() float64 { return o.straight + o.queued }

// throughput is the rate of the arrivals that are not turned away.
func (o *occupancy) throughput() float64 {
	all := o.accepted() + o.full
	if o.full < o.accepted() {
		return o.rate - o.rate*(o.full/all) // the rate itself where none is lost
	}
	return o.rate * (o.accepted() / all)
}

// meanWait is the mean wait: an arrival that finds the batch full and j
// waiting waits for j+1 departures.
func (o *occupancy) meanWait() float64 {
	return o.ahead / o.accepted() * o.period[o.batch()-1]
}

// meanService is the mean time in service. An arrival that finds n in service
// is served among n+1 on average, since a request leaves behind what another
// finds.
func (o *occupancy) meanService() float64 {
	return o.mean(func(n int) float64 { return float64(n) * o.period[n-1] })
}

// mean averages over arrivals what depends on the number in service, with the
// arrival or, of one that waits, with a full batch.
func (o *occupancy) mean(of func(n int) float64) float64 {
	batch := o.batch()
	sum := o.queued * of(batch)
	for n, weight := range o.head[:batch] {
		sum += weight * of(n+1)
	}
	return sum / o.accepted()
}

// meanAt is mean of what is known at n-1.
func (o *occupancy) meanAt(of []float64) float64 {
	sum := o.queued * of[len(of)-1]
	for i, weight := range o.head[:len(of)] {
		sum += weight * of[i]
	}
	return sum / o.accepted()
}

// batch is the largest number in service.
func (o *occupancy) batch() int { return len(o.period) }

// tail is the weight of the states with at least j waiting and a place left.
func (o *occupancy) tail(j int) float64 {
	if j >= o.queue {
		return 0
	}
	if o.ratio <= 1 {
		places, _ := geometric(o.ratio, o.queue-j)
		return o.place(j) * places
	}
	places, _ := geometric(1/o.ratio, o.queue-j)
	return places / o.ratio
}

// place is the weight of the state with the batch full and j waiting.
func (o *occupancy) place(j int) float64 {
	if o.ratio <= 1 {
		return o.head[len(o.head)-1] * math.Pow(o.ratio, float64(j))
	}
	return math.Pow(1/o.ratio, float64(o.queue-j))
}

// geometric returns the sums of r^j and of j r^j over 0 <= j < n, for
// 0 <= r <= 1. It doubles n with every step and adds only what is positive, so
// that it is exact where the closed forms cancel, at r near 1.
func geometric(r float64, n int) (sum, weighted float64) {
	power := 1.0 // r^m, of the m terms that there are
	m := 0
	for bit := maxQueue; bit > 0; bit >>= 1 {
		sum, weighted = sum+power*sum, weighted+power*(weighted+float64(m)*sum)
		power *= power
		m *= 2
		if n&bit != 0 {
			sum, weighted = sum+power, weighted+float64(m)*power
			power *= r
			m++
		}
	}
	return sum, weighted
}
