package explain

import (
	"fmt"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// because puts the reason of a variant's number, or of there being none, into a clause.
func (b *builder) because(i int) string {
	v := &b.model.Variants[i]
	clause := b.clause(i)
	switch {
	case v.Unfollowed != nil && v.Unplaced:
		clause += fmt.Sprintf("; the scheduler finds a node for %d only, so others are planned in place of the rest", *v.Unfollowed)
	case v.Unfollowed != nil:
		clause += fmt.Sprintf("; its autoscaler has stayed at %d for too long, so others are planned in place of the rest", *v.Unfollowed)
	}
	if v.Missed != nil {
		clause += "; " + b.held(v)
	}
	if v.Desired != nil && !v.Up && v.Missing != "" && v.Reason != optimizer.ReasonHold && v.Reason != optimizer.ReasonFailsafe {
		clause += "; it may be raised, not lowered, while not everything is known (" + Lack(v.Name, v.Missing) + ")"
	}
	return clause
}

func (b *builder) clause(i int) string {
	v := &b.model.Variants[i]
	switch v.Reason {
	case optimizer.ReasonDemand:
		return b.demand(v)
	case optimizer.ReasonMin:
		return b.minimum(i)
	case optimizer.ReasonMax:
		return "that is its maximum; the demand could use another"
	case optimizer.ReasonBudget:
		return b.budget(i)
	case optimizer.ReasonIdle, optimizer.ReasonNotNeeded:
		return b.notNeeded(i)
	case optimizer.ReasonMakeBeforeBreak:
		return b.overlap(i)
	case optimizer.ReasonStuck:
		return stuck(v)
	case optimizer.ReasonRateLimit:
		return "a limit on change per time allows no further change for now" + planIs(v)
	case optimizer.ReasonFailsafe:
		return "nothing has been known for so long that its failsafe applies" + inBrackets(Lack(v.Name, v.Missing))
	case optimizer.ReasonHold:
		if v.Missing == "" {
			return "what is known does not suffice to lower it"
		}
		return "not everything is known: " + Lack(v.Name, v.Missing)
	}
	return string(v.Reason)
}

// held says why a capacity is lower than what is believed: a target was missed at less.
func (b *builder) held(v *collector.Variant) string {
	m := v.Missed
	what := "first tokens"
	if m.Target == "itl" {
		what = "tokens"
	}
	unit := ""
	for _, s := range b.model.Signals {
		if s.Name == m.Signal {
			unit = " " + s.Unit
		}
	}
	if m.Target == "queue" {
		return fmt.Sprintf("a replica counts for %s%s, less than believed: at %s and more a queue stood that there was room for; what came waited %s in the mean (%d looks of five minutes)",
			number(capacityOf(v, m.Signal)), unit, number(m.From), seconds(m.Seen), m.Looks)
	}
	return fmt.Sprintf("a replica counts for %s%s, less than believed: at %s and more %s of the %s took up to %s, and the target is %s (%d looks of five minutes)",
		number(capacityOf(v, m.Signal)), unit, number(m.From), Percent(m.Quantile), what, seconds(m.Seen), seconds(m.Want), m.Looks)
}

// demand says what the replicas contribute to the signal that decides.
func (b *builder) demand(v *collector.Variant) string {
	if v.Stays != nil && b.spares(v) {
		return others(v) + stays(v.Stays)
	}
	capacity := capacityOf(v, b.model.Binding)
	for _, s := range b.model.Signals {
		if s.Name == b.model.Binding && s.Planned != nil && capacity > 0 && v.Desired != nil {
			planned, kept := b.kept(&s)
			if lowered(v) > 0 {
				kept = strings.Replace(kept, keepsOnly, startsNone, 1)
			}
			part := number(capacity * float64(*v.Desired))
			if capacity*float64(*v.Desired) >= planned {
				part = "all"
			}
			return fmt.Sprintf("%s needs %s, for %s of the %s %s planned for%s", s.Name, pronoun(*v.Desired), part, number(planned), s.Unit, kept)
		}
	}
	return "the demand needs " + pronoun(orZero(v.Desired))
}

// lowered is how many replicas fewer are desired than are asked for.
func lowered(v *collector.Variant) int {
	if v.Current == nil || v.Desired == nil {
		return 0
	}
	return max(0, *v.Current-*v.Desired)
}

// others says of a variant that is lowered, before it is said which replicas stay, that the rest is not needed.
func others(v *collector.Variant) string {
	switch n := lowered(v); n {
	case 0:
		return ""
	case 1:
		return "the other is not needed, and "
	default:
		return fmt.Sprintf("the other %d are not needed, and ", n)
	}
}

// What demand of the window does that is more than that of the last minute: for a variant that stays, and for one that is lowered.
const (
	keepsOnly  = "was planned for within the window, which keeps replicas and starts none"
	startsNone = "was planned for within the window, which starts none"
)

// spares reports whether the plan without one replica of a variant would serve all that is planned for.
func (b *builder) spares(v *collector.Variant) bool {
	for _, s := range b.model.Signals {
		if s.Planned == nil {
			continue
		}
		planned, _ := b.kept(&s)
		if s.Supply == nil || *s.Supply-capacityOf(v, s.Name) < planned*(1-optimizer.Tolerance) {
			return false
		}
	}
	return true
}

// stays says which replicas stay because some of them are new, and until when.
func stays(s *collector.Stays) string {
	verb, of := "stay", "some of them are new, and to lower the variant would remove these first"
	if s.Replicas == 1 {
		verb, of = "stays", "it is new"
	}
	return fmt.Sprintf("%d %s for another %s, unless the demand falls for good: %s", s.Replicas, verb, span(s.For), of)
}

// kept is what the plan serves of a signal, and where that is more than is planned for by itself, for whom replicas stay; or less, why.
func (b *builder) kept(s *collector.Signal) (planned float64, why string) {
	planned = *s.Planned
	stated := b.stated()
	if stated == nil {
		return planned, ""
	}
	more := stated.Demand[s.Name]
	switch r := s.Returns; {
	case more < planned*(1-optimizer.Tolerance):
		return more, fmt.Sprintf("; %s "+keepsOnly, number(planned))
	case more <= planned*(1+optimizer.Tolerance):
		return planned, ""
	case r == nil && s.Minute != nil:
		return more, fmt.Sprintf("; %s would do, but %s was planned for at the last full minute, and replicas stay for it until the next", number(planned), number(*s.Minute))
	case r == nil:
		return more, fmt.Sprintf("; %s would do, but capacities are measured, and vary by as much", number(planned))
	case r.Times == 0:
		return more, fmt.Sprintf("; %s would do, but what was started for more a moment ago stays for another %s", number(planned), span(r.Stay))
	default:
		return more, fmt.Sprintf("; %s would do, but %s came back %s during the last day, after %s on average: replicas for it stay for another %s",
			number(planned), number(r.Level), counted(r.Times, "time", "times"), span(r.Gap), span(r.Stay))
	}
}

func pronoun(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

func (b *builder) minimum(i int) string {
	stated := b.stated()
	switch {
	case stated == nil:
		return "a minimum asks for them"
	case stated.Variants[i].Min > 0 && stated.Variants[i].Min >= orZero(b.model.Variants[i].Planned):
		return ownMinimum(stated.Variants[i].Min, b.model.Variants[i].Minimum)
	case b.model.Minimum != nil && *b.model.Minimum == stated.MinReplicas:
		return fmt.Sprintf("the model's minimum is %d over all variants now, by its expression", stated.MinReplicas)
	}
	return fmt.Sprintf("the model's minimum is %d over all variants", stated.MinReplicas)
}

// ownMinimum tells a variant's minimum, and where it is an expression what that asks for.
func ownMinimum(least int, asked *int) string {
	switch {
	case asked == nil:
		return fmt.Sprintf("its own minimum is %d", least)
	case *asked > least:
		return fmt.Sprintf("the expression of its own minimum asks for %d, and its maximum is %d", *asked, least)
	}
	return fmt.Sprintf("its own minimum is %d now, by its expression", least)
}

// budget names those that have no room for another replica.
func (b *builder) budget(i int) string {
	stated := b.stated()
	var full []string
	for at, limit := range b.Problem.Budgets {
		if stated == nil || at >= len(b.Solution.Budgets) {
			break
		}
		used, use := b.Solution.Budgets[at].Used, stated.Variants[i].Uses[limit.Name]
		if use > 0 && used+use > limit.Limit*(1+optimizer.Tolerance) {
			full = append(full, fmt.Sprintf("%s (%s of %s used)", limit.Name, number(used), number(limit.Limit)))
		}
	}
	switch len(full) {
	case 0:
		return "a budget has run out"
	case 1:
		return "budget " + full[0] + " has no room for another"
	}
	return "budgets " + list(full) + " have no room for another"
}

func (b *builder) notNeeded(i int) string {
	demand, others := false, false
	for _, s := range b.model.Signals {
		demand = demand || s.Planned != nil && *s.Planned > 0
	}
	for j := range b.model.Variants {
		others = others || j != i && orZero(b.model.Variants[j].Planned) > 0
	}
	switch {
	case !demand:
		return "there is no demand"
	case others && orZero(b.model.Variants[i].Planned) == 0:
		return "others carry the demand for less"
	}
	return "no demand needs " + pronoun(orZero(b.model.Variants[i].Planned))
}

// overlap says what the variant waits for: replicas that are to go for those that replace them, and those that are to come for room.
func (b *builder) overlap(i int) string {
	v := &b.model.Variants[i]
	from, to := effectOf(v, optimizer.ReasonMakeBeforeBreak)
	if to < from {
		going := b.others(i, func(o *collector.Variant) bool { return orZero(o.Planned) < orZero(o.Current) }, "others")
		return fmt.Sprintf("there is room for %d of the %d wanted until replicas of %s go", to, from, going)
	}
	coming := b.coming(i)
	verb := "stay"
	if to-from == 1 {
		verb = "stays"
	}
	if coming == "" {
		coming = "ready replicas carry what the plan does"
	}
	return fmt.Sprintf("%s%d %s until %s", others(v), to-from, verb, coming)
}

// coming says which replicas are waited for in place of a variant's, and when they are expected to be ready; empty for none.
func (b *builder) coming(i int) string {
	var parts []string
	last, known := 0.0, true
	for j := range b.model.Variants {
		v := &b.model.Variants[j]
		if j == i || orZero(v.Planned) <= orZero(v.Ready) {
			continue
		}
		parts = append(parts, fmt.Sprintf("%d of %s", *v.Planned, v.Name))
		in, ok := readyIn(v, *v.Planned)
		last, known = max(last, in), known && ok
	}
	switch {
	case len(parts) == 0:
		return ""
	case known:
		return list(parts) + " are ready, expected in " + span(last)
	}
	return list(parts) + " are ready"
}

// readyIn is in how many seconds so many replicas are expected to be ready; false where that cannot be told.
func readyIn(v *collector.Variant, n int) (seconds float64, known bool) {
	have := orZero(v.Ready)
	for _, s := range v.Starting {
		if have >= n {
			break
		}
		have, seconds = have+s.Replicas, s.In
	}
	switch {
	case have >= n:
		return seconds, true
	case v.Overdue > 0 || v.Stuck != nil || v.Unfollowed != nil || v.Startup == 0 || orZero(v.Desired) < n:
		return 0, false
	}
	return v.Startup, true // those that are ordered now
}

// others names the other variants of the model of which something holds.
func (b *builder) others(i int, holds func(*collector.Variant) bool, otherwise string) string {
	var names []string
	for j := range b.model.Variants {
		if j != i && holds(&b.model.Variants[j]) {
			names = append(names, b.model.Variants[j].Name)
		}
	}
	if len(names) == 0 {
		return otherwise
	}
	return list(names)
}

// effectOf is what a guard made of a number: from the plan to what is desired, where it left no effect.
func effectOf(v *collector.Variant, guard optimizer.Reason) (from, to int) {
	for _, e := range v.Guards {
		if e.Guard == guard && e.From != nil && e.To != nil {
			return *e.From, *e.To
		}
	}
	return orZero(v.Planned), orZero(v.Desired)
}

func stuck(v *collector.Variant) string {
	switch {
	case v.Stuck == nil:
		return "others did not become ready in time"
	case v.Desired != nil && *v.Desired > *v.Stuck:
		return fmt.Sprintf("nothing else can carry the demand: more than %d did not become ready in time, and go on waiting", *v.Stuck)
	}
	return fmt.Sprintf("it is capped at %d: others did not become ready in time", *v.Stuck)
}

func planIs(v *collector.Variant) string {
	if v.Planned == nil {
		return ""
	}
	return fmt.Sprintf("; the plan is %d", *v.Planned)
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

func orZero(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// list joins names as in a sentence.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
