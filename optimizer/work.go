package optimizer

// DefaultWorkLimit is the bound on the search where Options names none.
const DefaultWorkLimit = 50_000_000

// work counts the steps of a search and says when to stop.
type work struct {
	limit, used int
	interrupt   func() bool
	stop        bool
}

// newWork returns the count for the given options.
func newWork(o Options) *work {
	limit := o.WorkLimit
	if limit <= 0 {
		limit = DefaultWorkLimit
	}
	return &work{limit: limit, interrupt: o.Interrupt}
}

// add counts n steps.
func (w *work) add(n int) { w.used += n }

// stopped says whether the search must end, with n steps not yet counted.
func (w *work) stopped(n int) bool {
	if !w.stop {
		w.stop = w.used+n > w.limit || (w.interrupt != nil && w.interrupt())
	}
	return w.stop
}
