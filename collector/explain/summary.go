package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// Severity says how much of an evaluation needs attention.
type Severity string

const (
	// SeverityOK says that every variant is decided and all demand served.
	SeverityOK Severity = "ok"
	// SeverityWarning says that a part is not.
	SeverityWarning Severity = "warning"
	// SeverityError says that nothing is decided.
	SeverityError Severity = "error"
)

// Summary tells in a line how an evaluation went, and how bad that is.
func (e *Explanation) Summary() (Severity, string) {
	all, decided, numbers := e.variants()
	wrong := e.wrong()
	switch {
	case e.Plan.Error != "":
		return SeverityError, "There is no plan: " + e.Plan.Error + "."
	case all > 0 && numbers == 0:
		return SeverityError, strings.Join(append([]string{"Nothing is decided: autoscalers hold."}, wrong...), " ")
	case decided < all:
		parts := []string{fmt.Sprintf("%d of %s decided.", decided, counted(all, "variant is", "variants are"))}
		if held := all - numbers; held > 0 {
			parts = append(parts, counted(held, "has", "have")+" no number: autoscalers hold.")
		}
		failsafe := e.atFailsafe()
		if rising := numbers - decided - failsafe; rising > 0 {
			parts = append(parts, fmt.Sprintf("%d may only rise: some inputs are missing.", rising))
		}
		if failsafe > 0 {
			parts = append(parts, counted(failsafe, "has its", "have their")+" failsafe.")
		}
		return SeverityWarning, strings.Join(append(parts, wrong...), " ")
	case len(wrong) > 0:
		return SeverityWarning, strings.Join(wrong, " ")
	}
	return SeverityOK, counted(all, "variant is", "variants are") + " decided, and the plan serves all demand."
}

// NothingKnown reports whether no input has an answer with anything in it: before all data, or where nothing that is asked for is there.
func (e *Explanation) NothingKnown() bool {
	for i := range e.Inputs {
		if in := &e.Inputs[i]; in.Failure != "" || in.Series == nil || *in.Series > 0 {
			return false
		}
	}
	return len(e.Inputs) > 0
}

// decidedAny reports whether any variant has a number.
func (e *Explanation) decidedAny() bool {
	_, _, numbers := e.variants()
	return numbers > 0
}

// wrong says what is wrong, apart from what is not decided.
func (e *Explanation) wrong() []string {
	var parts []string
	if short := e.short(); short > 0 {
		parts = append(parts, fmt.Sprintf("The plan leaves a part of the demand of %s unserved.", counted(short, "model", "models")))
	}
	if behind := e.behind(); behind > 0 {
		parts = append(parts, fmt.Sprintf("The ready replicas of %s serve less than the demand now.", counted(behind, "model", "models")))
	}
	switch failing := e.failing(); {
	case failing == 0:
	case failing == len(e.Inputs):
		parts = append(parts, "None of the inputs has a usable answer"+e.cause()+".")
	case failing == 1:
		parts = append(parts, fmt.Sprintf("1 of %d inputs has no usable answer.", len(e.Inputs)))
	default:
		parts = append(parts, fmt.Sprintf("%d of %d inputs have no usable answer.", failing, len(e.Inputs)))
	}
	return parts
}

// behind counts the models whose ready replicas carry less of a signal than is demanded.
func (e *Explanation) behind() int {
	n := 0
	for i := range e.Models {
		if slices.ContainsFunc(e.Models[i].Signals, func(s collector.Signal) bool {
			return s.Measured != nil && s.Ready != nil && *s.Ready < *s.Measured
		}) {
			n++
		}
	}
	return n
}

// variants counts all, those that are fully decided, and those that have a number.
func (e *Explanation) variants() (all, decided, numbers int) {
	for i := range e.Models {
		for j := range e.Models[i].Variants {
			v := &e.Models[i].Variants[j]
			all++
			if v.Up {
				decided++
			}
			if v.Desired != nil {
				numbers++
			}
		}
	}
	return all, decided, numbers
}

// atFailsafe counts the variants that are not decided and have the number of their failsafe.
func (e *Explanation) atFailsafe() (n int) {
	for i := range e.Models {
		for j := range e.Models[i].Variants {
			if v := &e.Models[i].Variants[j]; !v.Up && v.Desired != nil && v.Reason == optimizer.ReasonFailsafe {
				n++
			}
		}
	}
	return n
}

// short counts the models whose demand the plan does not serve.
func (e *Explanation) short() int {
	n := 0
	for i := range e.Models {
		if s := e.Models[i].Shortfall; s != nil && *s > 0 {
			n++
		}
	}
	return n
}

func (e *Explanation) failing() int {
	n := 0
	for i := range e.Inputs {
		if e.Inputs[i].Failure != "" {
			n++
		}
	}
	return n
}

// cause is why no input has an answer, where it is one reason for all of them.
func (e *Explanation) cause() string {
	for i := range e.Inputs {
		if e.Inputs[i].Error != e.Inputs[0].Error {
			return ""
		}
	}
	return ": " + e.Inputs[0].Error
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Attention is a model that needs some.
type Attention struct {
	Index   int // its place among the models
	ID      string
	Trouble string
}

// maxAttention bounds how many models are pointed out: where more are in trouble, they have it in common.
const maxAttention = 20

// Attention lists models that are not decided or whose demand the plan does not serve, in their order, but no more than twenty,
// and how many there are beyond those.
func (e *Explanation) Attention() (shown []Attention, more int) {
	for i := range e.Models {
		m := &e.Models[i]
		switch trouble := m.trouble(); {
		case trouble == "":
		case len(shown) < maxAttention:
			shown = append(shown, Attention{i, m.ID(), trouble})
		default:
			more++
		}
	}
	return shown, more
}

func (m *Model) trouble() string {
	if m.Shortfall != nil && *m.Shortfall > 0 {
		return Percent(*m.Shortfall) + " of the planned demand is unserved"
	}
	for i := range m.Variants {
		if v := &m.Variants[i]; !v.Up {
			return v.Name + ": " + orDash(Lack(v.Name, v.Missing))
		}
	}
	return ""
}

// Failing lists the inputs with something wrong about them.
func (e *Explanation) Failing() []collector.Input {
	var all []collector.Input
	for _, in := range e.Inputs {
		if in.Trouble() != "" {
			all = append(all, in)
		}
	}
	return all
}
