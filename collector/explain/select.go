package explain

import (
	"fmt"
	"strings"
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

// Only returns the explanation of the models with a name, in any namespace or, as namespace/name, in one; an *UnknownModelError
// where there is none. Of the inputs, those remain that they rest on. An empty name selects everything.
func (e *Explanation) Only(model string) (*Explanation, error) {
	if model == "" {
		return e, nil
	}
	out := *e
	out.Models, out.Inputs = []Model{}, []Input{}
	unknown := &UnknownModelError{Model: model}
	wanted := map[string]bool{}
	for i := range e.Models {
		m := &e.Models[i]
		unknown.Known = append(unknown.Known, m.ID())
		if model != m.Name && model != m.ID() {
			continue
		}
		out.Models = append(out.Models, *m)
		for _, name := range m.inputs() {
			wanted[name] = true
		}
	}
	if len(out.Models) == 0 {
		return nil, unknown
	}
	for _, in := range e.Inputs {
		if wanted[in.Name] {
			out.Inputs = append(out.Inputs, in)
		}
	}
	return &out, nil
}

// inputs are the names of what a model rests on; a name may stand more than once.
func (m *Model) inputs() []string {
	var names []string
	for _, s := range m.Signals {
		names = append(names, s.Inputs...)
	}
	for i := range m.Variants {
		names = append(names, m.Variants[i].Inputs...)
	}
	return names
}
