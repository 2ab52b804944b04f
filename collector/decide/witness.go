package decide

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// A sum that a part is missing from is not a smaller number, it is no number. So every signal is held against its witness: how many
// sources told it, against how many should have.

// wholeShare is the share of a window's steps that must be whole.
const wholeShare = 0.8

// enough reports whether enough of so many steps are whole.
func enough(whole, steps int) bool { return float64(whole) >= wholeShare*float64(steps) }

// fewest is how many steps of a window must be whole.
func fewest(steps int) int { return int(math.Ceil(wholeShare * float64(steps))) }

// witness says why a signal is partial at present, and notes how many sources told it of how many.
func (s *signal) witness() (partial string) {
	w, counted := &s.read.Witness, s.counted()
	switch {
	case w.Silent != "":
		return w.Silent
	case !w.Missing.OK():
		return w.Missing.String()
	case counted == "" && w.Asked && !w.Unknown && w.Twice.OK() && !w.Rest.Past.Missing.OK():
		return w.Rest.Past.Missing.String() // Who told it over the window is not known.
	}
	return counted
}

// counted notes how many sources told a signal of how many, and says where they are too few. Where nothing counts them, it says nothing.
func (s *signal) counted() (partial string) {
	w := &s.read.Witness
	switch {
	case !w.Asked || w.Unknown || !w.Missing.OK() || !w.Twice.OK():
		return ""
	case s.byGateway():
		if !s.Alive.Given() {
			s.out.Gateways = w.Others
			if s.gateways() == &w.Gateways {
				s.out.Gateways = w.NoModel
			}
		}
		return s.gatewayWitness()
	}
	return s.serverWitness()
}

// serverWitness compares the servers that tell the signal with those that should.
func (s *signal) serverWitness() (partial string) {
	w := &s.read.Witness
	told, expected, lacking, nameless := 0.0, 0.0, 0.0, 0.0
	var first string
	for i, v := range s.model.variants {
		want, which := expectedNow(v)
		if which == "" || !s.tells(i) {
			continue
		}
		now := w.Variants[i].Now
		told, expected = told+now, expected+want
		if now < want {
			fewer := w.Variants[i].Fewer
			lacking += want - now
			if now+fewer == 0 {
				nameless += want - now
			}
			if first == "" {
				first = fmt.Sprintf("%g of %g %s of %s tell it", now, want, which, v.Name)
				if fewer > 0 {
					first += fmt.Sprintf(", %g only of some engines or addresses", fewer)
				}
			}
			continue
		}
		if silent := madeUp(v, now); silent != "" {
			first = cmp.Or(first, silent)
			lacking++
		}
	}
	s.noteOthers()
	if expected == 0 {
		return ""
	}
	others := min(nameless, s.others(w.Rest.Now+w.Gateways.Now))
	s.note(told+others, expected)
	switch {
	case others >= lacking:
		return ""
	case len(w.Others) > 0 && s.out.Others != nil:
		return first + fmt.Sprintf(", and %d of %s", *s.out.Others, strings.Join(w.Others[:min(len(w.Others), mostNamed)], ", "))
	}
	return first
}

// madeUp says that ready pods of a variant are silent where so many that tell a signal prove nothing, since those that start or are being deleted
// may be among them; it is empty where they prove it. A target that does not answer may also be another of its pod than the one that tells: if it
// were this one, no more could tell than the other ready pods and those that come and go.
func madeUp(v *variant, told float64) string {
	r := &v.read.Replicas
	silent := always(r.Silent)
	if r.Ready.N == nil || r.Current.N == nil || silent == 0 && r.Silent.Missing.OK() {
		return ""
	}
	ready := float64(*r.Ready.N)
	moving := max(0, float64(*r.Current.N)-ready) + orZero(last(r.Draining))
	if last(r.Starts.Rolling) > 0 && silent < max(ready, 2) {
		moving = math.Inf(1) // How many start beyond those that are asked for is not told.
	}
	switch {
	case moving == 0:
		return ""
	case !r.Silent.Missing.OK():
		return r.Silent.Missing.String()
	case told > ready-silent+moving:
		return ""
	}
	return fmt.Sprintf("%g of %g ready replicas of %s do not answer scrapes: of the %g pods that tell it, others start or are being deleted", silent, ready, v.Name, told)
}

// always is the least of a past, where no number is 0.
func always(p match.Past) float64 {
	if len(p.Values) == 0 {
		return 0
	}
	least := math.Inf(1)
	for _, n := range p.Values {
		least = min(least, orZero(n))
	}
	return least
}

// last is the newest value of a past; NaN for none.
func last(p match.Past) float64 {
	if len(p.Values) == 0 {
		return math.NaN()
	}
	return p.Values[len(p.Values)-1]
}

// mostNamed is how many workloads are named where there are more.
const mostNamed = 5

// others are how many of so many pods, whose names do not show a workload that is known, make up for servers of variants none of whose pods
// tells by its name. Where one does, so would the others of its workload: who has another name is something else, such as a benchmark's server.
func (s *signal) others(told float64) float64 { return max(0, told-s.read.Witness.Elsewhere) }

// noteOthers notes the servers that tell the signal for the model, and belong to none of its scale targets by their names. Where a variant
// says by a regular expression which pods are its own, workloads show nothing.
func (s *signal) noteOthers() {
	if slices.ContainsFunc(s.model.variants, func(v *variant) bool { return v.Pods.Regexp != nil }) {
		return
	}
	n := int(s.read.Witness.Rest.Now)
	s.out.Others, s.out.OtherWorkloads = &n, s.read.Witness.Others
}

// byGateway reports whether gateways tell the signal, and not servers: the configuration says so, or only pods tell it that belong to no
// variant. How many gateways should tell is unknown: they are compared with their own past. A preset says itself who tells it.
func (s *signal) byGateway() bool {
	return s.Alive.Given() || !s.byServers() && s.gateways().Ever()
}

// byServers reports whether servers tell the signal: a preset says so, or pods of variants tell it.
func (s *signal) byServers() bool {
	told := func(t match.Told) bool { return t.Ever() }
	return !s.Alive.Given() && (s.OfPreset() || slices.ContainsFunc(s.read.Witness.Variants, told))
}

// gateways are the pods that tell the signal for the model or for its namespace, and belong to no variant.
func (s *signal) gateways() *match.Told {
	if w := &s.read.Witness; w.Rest.Ever() && !s.Alive.Given() {
		return &w.Rest
	}
	return &s.read.Witness.Gateways
}

// gatewayWitness compares the gateway's pods with those that told the signal during the window.
func (s *signal) gatewayWitness() (partial string) {
	g := s.gateways()
	before := forecast.Most(g.Past.Values)
	if g.Now == 0 && math.IsNaN(before) {
		return "" // nothing to compare with
	}
	expected := g.Now
	if before > expected {
		expected = before
	}
	s.note(g.Now, expected)
	if g.Now < expected {
		return fmt.Sprintf("%g of %g gateway pods tell it", g.Now, expected)
	}
	return s.read.Witness.Away
}

func (s *signal) note(told, expected float64) {
	t, e := int(told), int(expected)
	s.out.Sources, s.out.Expected = &t, &e
}

// twice says why what tells the signal is more than one fleet, so that its sum is nobody's: sources name two clusters, or more pods of a
// workload tell it than were asked for.
func (s *signal) twice() match.Missing {
	w := &s.read.Witness
	if !w.Twice.OK() || !w.Asked || !w.Missing.OK() || s.byGateway() || s.NamesApart {
		return w.Twice
	}
	for i, v := range s.model.variants {
		if most, known := mostAsked(v); known && v.Pods.Regexp == nil && more(&w.Variants[i], most) {
			s.note(w.Variants[i].Now, most)
			return match.Missing{Input: s.Sources.Now.Name, Why: match.BadDuplicate, More: fmt.Sprintf(
				"%g pods of %s tell it, and no more than %g were asked for: are these two fleets, which a selector tells apart?", w.Variants[i].Now, v.ScaleTarget.Name, most)}
		}
	}
	return match.Missing{}
}

// more reports whether more sources tell than so many, now and at each count of the window.
func more(t *match.Told, than float64) bool {
	return t.Now > than && !slices.ContainsFunc(t.Past.Values, func(n float64) bool { return n <= than })
}

// mostAsked is how many replicas of a variant were asked for at most over the time that starts are watched, with those that are being
// deleted, which may tell for long. It is not known where a roll-out had more of them.
func mostAsked(v *variant) (most float64, known bool) {
	r := v.read.Replicas
	if !r.Draining.Missing.OK() || r.Current.N == nil || forecast.Known(r.Starts.Current.Values) == 0 || !r.Starts.Rolling.Missing.OK() || forecast.Known(r.Starts.Rolling.Values) > 0 {
		return 0, false
	}
	most = max(float64(*r.Current.N), forecast.Most(r.Starts.Current.Values))
	if draining := forecast.Most(r.Draining.Values); draining > 0 {
		most += draining
	}
	return most, true
}

// tells reports whether the pods of a variant should tell the signal: they serve it, or have told it.
func (s *signal) tells(i int) bool {
	return s.model.variants[i].Carries(s.Signal) || s.read.Witness.Variants[i].Ever()
}

// expectedNow is how many replicas should tell, and what they are: the fewest that were ready over the last minute, since a replica is
// ready before its first scrape. Where nothing tells which are ready, those count that have been asked for as long as a start takes. It is
// not known where which is empty.
func expectedNow(v *variant) (n float64, which string) {
	r := &v.read.Replicas
	switch {
	case r.Ready.N != nil:
		return float64(least(*r.Ready.N, r.ReadyWindow.Over(query.ReadyFor))), "ready replicas"
	case r.Current.N != nil && (r.Ready.Missing.OK() || r.Ready.Missing.NoResult()):
		started := time.Duration(v.Startup) + query.ReadyFor
		return float64(least(*r.Current.N, r.Starts.Current.Over(started))), "replicas (how many are ready is not told)"
	}
	return 0, ""
}

// whole drops the steps of a window at which not all sources told.
func (s *signal) whole(window forecast.History) forecast.History {
	w := &s.read.Witness
	if !w.Asked || w.Unknown || !w.Missing.OK() || !w.Twice.OK() || len(window.Values) == 0 {
		return window
	}
	gateway, g := s.byGateway(), s.gateways()
	window.Values = slices.Clone(window.Values)
	for i := range window.Values {
		ago := window.Ago(i)
		if unsettled(w.Rest.Past.History, ago) {
			continue
		}
		if gateway && dips(g.Past.History, ago, g.Now) || !gateway && s.lacks(ago) {
			window.Values[i] = math.NaN()
		}
	}
	return window
}

// lacks reports whether fewer replicas told than were ready some time ago.
func (s *signal) lacks(ago time.Duration) bool {
	w, nameless := &s.read.Witness, 0.0
	for i, v := range s.model.variants {
		if !s.tells(i) {
			continue
		}
		want, known := expectedAt(v.read.Replicas.ReadyWindow.History, ago)
		switch now := told(&w.Variants[i], ago); {
		case !known || now >= want:
		case now > 0:
			return true
		default:
			nameless += want
		}
	}
	return nameless > s.others(told(&w.Rest, ago)+told(&w.Gateways, ago))
}

// expectedAt is expectedNow some time ago. The grid may be finer than that of the window.
func expectedAt(ready forecast.History, ago time.Duration) (n float64, known bool) {
	if len(ready.Values) == 0 {
		return 0, false
	}
	at := len(ready.Values) - 1 - int((ago-ready.Since)/ready.Step)
	if at < 0 || math.IsNaN(ready.Values[at]) {
		return 0, false
	}
	return forecast.Least(ready.Values[max(0, at-int(query.ReadyFor/ready.Step)) : at+1]), true
}

// unsettled reports whether some time ago is half a step or more after the last count. Such times are whole if the present is, until they
// have settled and are counted themselves.
func unsettled(past forecast.History, ago time.Duration) bool { return ago <= past.Since-past.Step/2 }

// told is how many sources told some time ago: at the nearest count, the later of two that are as near.
func told(t *match.Told, ago time.Duration) float64 {
	n, away := t.Now, ago
	for i, count := range slices.Backward(t.Past.Values) {
		d := (t.Past.Ago(i) - ago).Abs()
		if d > away {
			break // those before it are farther away
		}
		if d < away {
			n, away = orZero(count), d
		}
	}
	return n
}

func orZero(n float64) float64 {
	if math.IsNaN(n) {
		return 0
	}
	return n
}

// dips reports whether fewer told some time ago than before and after it.
func dips(past forecast.History, ago time.Duration, now float64) bool {
	at := len(past.Until(ago).Values) - 1
	if at < 0 {
		return false
	}
	here := orZero(past.Values[at])
	before, after := forecast.Most(past.Values[:at]), forecast.Most(past.Values[at+1:])
	return here < before && (here < after || here < now)
}

// history says why a window does not hold enough: it was not watched for so long, or too many of its steps are not whole.
func (s *signal) history(at time.Time, window, whole forecast.History) string {
	down := time.Duration(*s.model.ScaleDownWindow)
	if down == 0 {
		return ""
	}
	steps := len(whole.Over(down))
	known := forecast.Known(whole.Over(down))
	switch {
	case enough(known, steps) && steps > 0:
		return ""
	case enough(forecast.Known(window.Over(down)), steps) && steps > 0:
		return fmt.Sprintf("at %d of %d steps of the window not all sources told it; there is enough when %d of %d are whole,%s",
			steps-known, steps, fewest(steps), steps, from(at, whole, down))
	}
	return filling(at, window, down)
}

// filling says until when a window holds too little: from then on there is enough, if each step that comes is known. It is a moment and not
// a wait, so that it stays the same from one evaluation to the next, and a line of log that has it is not written again.
func filling(at time.Time, window forecast.History, down time.Duration) string {
	text := fmt.Sprintf("less history than the scale-down window of %s", config.Duration(down))
	if when := from(at, window, down); when != "" {
		return text + ", which is filling: there is enough" + when
	}
	return text
}

// from says from when on enough of a window is known, if each step that comes is; empty where it has no steps.
func from(at time.Time, window forecast.History, down time.Duration) string {
	values := window.Over(down)
	for more := range values {
		if enough(more+forecast.Known(values[more:]), len(values)) {
			return " at " + at.Add(time.Duration(more)*window.Step-window.Since).UTC().Format("15:04:05 UTC")
		}
	}
	return ""
}
