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

// stopped says whether the part of the search at hand must end, with n steps
// not yet counted.
func (w *work) stopped(n int) bool {
	if !w.stop {
		w.stop = w.used+n > w.limit || (w.interrupt != nil && w.interrupt())
	}
	return w.stop || w.used+n > w.until
}

// part allows the next part of the search one in so many of the steps that
// are left, and returns what ends that part.
func (w *work) part(oneIn int) (end func()) {
	before := w.until
	w.until = min(before, w.used+max(0, w.limit-w.used)/oneIn)
	return func() { w.until = before }
}
