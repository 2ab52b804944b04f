package match

import (
	"time"

	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// Readings are what all answers of one evaluation say, by model, signal and variant in the order of the Program.
type Readings struct {
	At          time.Time
	Inputs      []Input
	Unaged      map[string]Missing // why the age of some inputs is not known, by their names
	Hollow      Missing            // an input without a result that must have one: other empty answers may be as wrong
	EnergyPrice Value
	Budgets     []Budget
	Models      []Model
}

// Budget is what was read of one budget.
type Budget struct {
	Limits []Value
	Borrow Value
}

// Model is what was read of one model.
type Model struct {
	Min      Value // of replicas over all variants
	Headroom Value // where it is asked for
	Signals  []Signal
	Variants []Variant
}

// Signal is what was read of one signal of a model, in the signal's unit.
type Signal struct {
	Absolute Demand   // the demand or latency form
	Usage    []Demand // the usage form: fractions of a replica's capacity, by variant
	Queued   Demand

	Witness     Witness
	Stray       string // a series with demand that no model owns, where no result may mean no demand
	Respelt     string // a name with demand that no model has, and that is the model's own but for its spelling
	Alive       bool   // the source is up
	AliveWindow Past   // 1 where it was, 0 where it was not
	AliveIdle   Past

	Lengths
	Before Lengths // a minute before
}

// Lengths are those of requests at the last full minute.
type Lengths struct {
	InputTokens, OutputTokens Value
	InputCV, OutputCV         Value
}

// Demand is an expression's value now and over time.
type Demand struct {
	Now                                                                                  Reading
	Window, Idle, Trend, Recent, Day, WeekAgo, Levels, Failsafe, Starts, Overload, Looks Past
	Seasons                                                                              []Past
}

// Reading is a number about a model or variant.
type Reading struct {
	Value   float64
	Pods    int // how many series with a pod it is the sum of
	Missing Missing
}

// Past is a number over time. A step without a usable number is NaN.
type Past struct {
	forecast.History
	Missing Missing // why it could not be asked for

	spoilt *time.Duration // how long ago something was last told that cannot be used; nil for never
}

// Spoilt reports whether a series within a time before now cannot be used. What is further back does not matter to a shorter window on the
// same grid.
func (p *Past) Spoilt(within time.Duration) bool { return p.spoilt != nil && *p.spoilt <= within }

// Variant is what was read of one variant.
type Variant struct {
	Min        Value // of replicas
	Cost       Value
	CostDay    Past // over the last day; empty for a number
	Uses       map[string]Value
	Capacities []Value // by signal
	ITL        []Value // observed seconds between tokens, by signal
	Running    []Value // observed requests in service, by signal
	Looks      []Looks // by signal
	Replicas   Replicas
}

// Looks are what the replicas of a variant showed over the last day: the load of one, in the signal's unit, and quantiles of latency
// in seconds.
type Looks struct{ Load, TTFT, ITL Past }

// Value is a number that is asked for or stands in the configuration.
type Value struct {
	Number  float64
	Missing Missing
	Partial bool // a target that is a part of it does not answer scrapes, or whether one does not is not known: it may be larger
}

// Count is a number of replicas.
type Count struct {
	N       *int // nil where it is not known
	Missing Missing
}

// Replicas are those of a variant that were asked for and those that are ready, now and over time.
type Replicas struct {
	Current, Ready Count
	Limits         Past // asked for, over the time of limits on change
	Failsafe       Past // asked for, over the time after which a failsafe applies
	AskedWindow    Past // asked for, over the time in which limits on change look for an overload, and a start before
	ReadyWindow    Past // ready, over the windows of the model and a minute before
	ReadyLooks     Past // ready, at the looks of the last day
	Draining       Past // being deleted
	Silent         Past // ready, and a target of it does not answer scrapes
	Starts         Starts
}

// Starts are the replicas asked for and ready over the time in which a start must end, whether pods were being replaced, and how many had
// no node.
type Starts struct{ Current, Ready, Rolling, Unplaced Past }
