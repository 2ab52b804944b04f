package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// Frozen says which sources of a model show requests in progress and make no progress. Whether the requests are ghosts or the source
// hangs cannot be told from here, so nothing is decided by it.
func (d *Diagnosis) Frozen(m int) []string {
	of := d.program.Models[m]
	var said []string
	for _, s := range of.Signals {
		if s.Frozen.IsZero() {
			continue
		}
		found, _ := d.ask(s.Frozen.String())
		var sources []string
		for _, x := range found {
			if source := match.Describe(x.Metric); d.belongs(x.Metric, of, s) && !slices.Contains(sources, source) {
				sources = append(sources, source)
			}
		}
		if len(sources) > 0 {
			said = append(said, fmt.Sprintf("signal %s: requests in progress, and no progress, at %s: it hangs, or its requests are no longer there (by %s)",
				s.Name, List(sources), strings.Join(metricsOf(s.Frozen.String()), ", ")))
		}
	}
	return said
}

// belongs reports whether a series is one of a model's, by what it says itself.
func (d *Diagnosis) belongs(metric model.Metric, m *query.Model, s *query.Signal) bool {
	name := string(metric[model.LabelName(s.Labels.Model)])
	return string(metric[model.LabelName(s.Labels.Namespace)]) == m.Namespace &&
		(name == "" || name == m.Name || slices.Contains(m.Match[s.Labels.Model], name))
}
