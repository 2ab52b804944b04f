package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector"
)

// UnknownModelError is a question about a model that is not configured.
type UnknownModelError struct {
	Model string
	Known []string // the names of all that are, each with its namespace
}

// maxKnown bounds how many models an error lists.
const maxKnown = 20

// Error implements error.
func (e *UnknownModelError) Error() string {
	known, more := e.Known, ""
	if len(known) > maxKnown {
		more = fmt.Sprintf(" and %d more", len(known)-maxKnown)
		known = known[:maxKnown]
	}
	return fmt.Sprintf("there is no model %s; there is %s%s", e.Model, strings.Join(known, ", "), more)
}

// Of explains the models with a name, in any namespace or, as namespace/name, in one; an *UnknownModelError where there is none. An
// empty name selects all. Inputs that only other models rest on are left out. For each model a runner-up and a cheaper choice are looked for until stop
// says that there is no time left.
func Of(s *collector.Snapshot, model string, stop func() bool) (*Explanation, error) {
	e := New(s)
	models, inputs := e.Models, e.Inputs
	e.Models = []Model{}
	unknown := &UnknownModelError{Model: model}
	for i := range models {
		m := &models[i]
		unknown.Known = append(unknown.Known, m.ID())
		if model != "" && model != m.Name && model != m.ID() {
			continue
		}
		if !stop() {
			m.RunnerUp, m.Cheaper = runnerUp(s, i), cheaper(s, i, stop)
		}
		e.Models = append(e.Models, *m)
	}
	if model == "" {
		return e, nil
	}
	if len(e.Models) == 0 {
		return nil, unknown
	}
	e.Inputs = concerning(e.Models, models, inputs)
	return e, nil
}

// IDs are those of the models that are explained.
func (e *Explanation) IDs() []string {
	ids := make([]string, len(e.Models))
	for i := range e.Models {
		ids[i] = e.Models[i].ID()
	}
	return ids
}

// concerning returns the inputs that some of all models rest on, and those that concern all, such as a budget's limit or the price of
// energy.
func concerning(some, all []Model, inputs []collector.Input) []collector.Input {
	wanted, used := restOn(some), restOn(all)
	return slices.DeleteFunc(inputs, func(in collector.Input) bool { return used[in.Name] && !wanted[in.Name] })
}

// restOn are the names of the inputs that models rest on.
func restOn(models []Model) map[string]bool {
	names := map[string]bool{}
	for i := range models {
		for _, s := range models[i].Signals {
			mark(names, s.Inputs)
		}
		for j := range models[i].Variants {
			mark(names, models[i].Variants[j].Inputs)
		}
	}
	return names
}

func mark(set map[string]bool, names []string) {
	for _, name := range names {
		set[name] = true
	}
}
