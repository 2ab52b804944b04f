// Package query turns a configuration into the distinct queries of one evaluation. It takes a *config.Config and returns a
// Program: every distinct expression once, and for every quantity of the configuration the query or history that answers it.
// How many queries there are depends on the number of different expressions, not on the number of models and variants.
package query

import (
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// Query is one expression that is asked at the moment of an evaluation.
type Query struct {
	Name   string // what it is for, such as vllm.concurrency.demand; unique in a Program
	Expr   string
	MaxAge time.Duration // of the newest sample that the answer rests on; 0: any
	Sparse bool          // an empty answer is a good answer
	Rule   string        // fingerprint of the expression that its series must have been recorded from; empty for any
	Place  int           // in Program.Queries

	Minute *History // its values at full minutes, of which the last counts; nil where the present does
}

// History is one expression that is read over a time before the moment of an evaluation: its values at whole multiples of Step
// since the epoch. The same expression is read separately for every step, reader and span.
type History struct {
	Name  string // what it is for; unique in a Program
	Expr  string
	Step  time.Duration
	From  time.Duration // how long ago it begins
	Until time.Duration // how long ago it ends
	By    Reader
	Rule  string // as in Query
	Place int    // in Program.Histories
	// Sparse says that an empty answer is a good answer.
	Sparse bool
	// Seldom says that it is asked for only where it has a new step: that its past is told otherwise now is noticed no sooner.
	Seldom bool
	// Finer is one of the same expression with a finer grid, which tells the newest steps of this one too; nil for none.
	Finer *History
}

// Owner is what a series belongs to.
type Owner int

// A series belongs to a model, a variant, the scale target of a variant, the source of a model's signals, the workload of such
// sources, or, as a price does, to everything.
const (
	OfModel Owner = iota
	OfVariant
	OfTarget
	OfSource
	OfWorkload
	OfEverything
)

// Reader says how the series of an answer find their owners, and what becomes of several for one owner.
type Reader struct {
	Owner  Owner
	Labels config.LabelNames // unused for OfTarget and OfEverything
	From   string            // labels whose product is the number, each followed by a comma
	Median bool              // the median counts, not the sum
}

// Quantity is a number, or the query that answers it.
type Quantity struct {
	config.Quantity
	Query *Query   // nil for a number, and where nothing is given
	Past  *History // over the input window; nil without one
	Day   *History // for how long a price has lasted
	// Silent counts the targets that are missing from it, now and over the input window, where it adds up what targets tell.
	Silent Expression
}

// Constant reports whether the quantity is a number that stands in the configuration.
func (q Quantity) Constant() bool { return q.Set && q.Query == nil }

// Expression is one expression of a signal or of the scale targets: asked now, and over time for everything that looks back. What
// is not needed is nil.
type Expression struct {
	Now      *Query
	Window   *History   // for the scale-down and scale-up windows, or for limits on change
	Idle     *History   // for how long there was no demand
	Trend    *History   // for forecasts, and today's level
	Seasons  []*History // for seasonal forecasts, in the order of Seasons
	Recent   *History   // for headroom: auto, what trend and noise are taken from
	Day      *History   // what it is learnt from, and the day before
	WeekAgo  *History   // the same, a week before
	Levels   *History   // for how often demand crosses the levels at which another number of replicas is needed
	Failsafe *History   // for how long nothing was known
	Overload *History   // for whether more was asked for than was ready
	Starts   *History   // for how long replicas have not become ready, or have not been asked for
	Looks    *History   // for whether a queue stood that replicas had room for
	Hour     *History   // for whether more gateways tell it than are asked for
}

// Given reports whether the configuration has the expression.
func (e *Expression) Given() bool { return e.Now != nil }

// histories lists what the expression is read by over time.
func (e *Expression) histories() []*History {
	all := []*History{e.Window, e.Idle, e.Trend, e.Recent, e.Day, e.WeekAgo, e.Levels, e.Failsafe, e.Starts, e.Overload, e.Looks, e.Hour}
	return append(all, e.Seasons...)
}
