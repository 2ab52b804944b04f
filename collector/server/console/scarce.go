package console

import (
	"strings"

	"github.com/variant-exporter/variant-exporter/collector"
)

// full reports whether nothing is left of a budget.
func full(used, limit float64) bool { return used >= limit*(1-1e-9) }

// draws reports whether a model could use more of a budget.
func draws(s *collector.Snapshot, model int, budget string) bool {
	if model >= len(s.Problem.Models) {
		return false
	}
	variants := s.Problem.Models[model].Variants
	for i := range variants {
		if variants[i].Uses[budget] > 0 {
			return true
		}
	}
	return false
}

// lacking are the models that a budget may leave short, of those whose share of unserved demand is above zero.
func lacking(s *collector.Snapshot, budget string, shortfall func(model int) float64) []string {
	var names []string
	for i := range s.Models {
		if shortfall(i) > 0 && draws(s, i, budget) {
			names = append(names, s.Models[i].ID())
		}
	}
	return names
}

// planned is the share of a model's demand that the plan leaves unserved.
func planned(s *collector.Snapshot) func(model int) float64 {
	return func(i int) float64 {
		if s.Models[i].Shortfall == nil {
			return 0
		}
		return *s.Models[i].Shortfall
	}
}

// shortText says how much of a model's demand is unserved, and of which of its budgets nothing is left.
func shortText(s *collector.Snapshot, model int, share string) string {
	var gone []string
	for i := range s.Budgets {
		b := &s.Budgets[i]
		if b.Used != nil && b.Limit != nil && full(*b.Used, *b.Limit) && draws(s, model, b.Name) {
			gone = append(gone, b.Name)
		}
	}
	text := share + " of the planned demand is unserved"
	if len(gone) > 0 {
		text += ": nothing is left of " + strings.Join(gone, " and ")
	}
	return text
}

// firstOf names a few of many.
func firstOf(names []string) string {
	const few = 3
	if len(names) > few {
		return strings.Join(names[:few], ", ") + " and " + word(len(names)-few, "more model", "more models")
	}
	return strings.Join(names, ", ")
}
