package explain

import (
	"fmt"

	"github.com/variant-exporter/variant-exporter/collector"
)

// Margin says from what a measured headroom follows, in the numbers of the decision; empty where it is not measured.
func Margin(s *collector.Signal) string {
	m := s.Margin
	if m == nil {
		return ""
	}
	text := "its headroom is measured. The demand is " + number(m.Demand)
	if m.Ago > 0 {
		text = fmt.Sprintf("its headroom is measured. What counts is %s ago, which asks for most: the demand was %s", span(m.Ago), number(m.Demand))
	}
	text += fmt.Sprintf(". %s is expected %s later, when a replica that is ordered then serves (%s). %s is added for noise, %s times its scale of %s. That makes %s",
		number(m.Expected), span(m.Ahead), follows(m), number(m.Multiple*m.Noise), significant(m.Multiple, 2), number(m.Noise), number(m.Expected+m.Multiple*m.Noise))
	switch {
	case m.Most != nil:
		text += fmt.Sprintf(", of which no more than %s counts, by what was the most lately", number(*m.Most))
	case m.Held:
		text += "; the windows or the forecast ask for more"
	}
	switch {
	case m.Least != nil:
		text += fmt.Sprintf(". There is too little history to measure how much noise matters, so no less than %s is planned for", number(*m.Least))
	case m.Young:
		text += ". There is too little history to measure how much noise matters"
	}
	return text + "."
}

// follows says from what it follows what is expected.
func follows(m *collector.Margin) string {
	switch {
	case m.Habit > 0:
		return "as it came " + span(m.Habit) + " before"
	case m.Expected > m.Demand:
		return "it rises by " + number(m.Expected-m.Demand)
	}
	return "it does not rise"
}
