package optimizer

// DefaultWorkLimit is the bound on the search where Options names none.
const DefaultWorkLimit = 50_000_000

// work counts the steps of a search and says when to stop.
type work struct {
	limit, used int
	// until ends the part of the search at hand.
	until     int
	interrupt func() bool
	stop      bool
}

// newWork returns the count for the given options.
func newWork(o Options) *work {
	limit := o.WorkLimit
	if limit <= 0 {
		limit = DefaultWorkLimit
	}
	return &work{limit: limit, until: limit, interrupt: o.Interrupt}
}

// add counts n steps.
func (w *work) add(n int) { w.used += n }

// stopped reports whether the part of the search at hand must end, with n steps
// not yet counted.
func (w *work) stopped(n int) bool {
	if !w.stop {
		w.stop = w.used+n > w.limit || (w.interrupt != nil && w.interrupt())
	}
	return w.stop || w.used+n > w.until
}

// interrupted looks at the interrupt alone: for work that is done in any case, unless the time is over.
func (w *work) interrupted() bool {
	if !w.stop && w.interrupt != nil {
		w.stop = w.interrupt()
	}
	return w.stop
}

// part allows the next part of the search a share of the steps that are left
// to the part around it, and returns what ends it.
func (w *work) part(share float64) (end func()) {
	before := w.until
	w.until = w.used + int(share*float64(max(0, before-w.used)))
	return func() { w.until = before }
}

// share returns the share of the remaining work that a stage may take in a large
// group; the rest is left for the stages after it. first says that the stage
// ends with the first plan found.
func (g *group) share(st *stage, first bool) float64 {
	switch {
	case first && g.veryLarge():
		return 0.07
	case first:
		return 0.1
	case st.aim == aimShortfall, st.aim == aimCost && g.settled:
		// If all demand is served, little of the gap is worth the time.
		return 1.0 / 3
	case st.aim == aimCost:
		return 0.6
	}
	return 0.8
}
