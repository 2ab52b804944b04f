package collector

import (
	"context"
	"slices"
	"sync"

	"github.com/variant-exporter/variant-exporter/collector/diagnose"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// fewQuestions is how many questions the log and a page ask: what concerns many models has few causes.
const fewQuestions = 5

// Finding is what was found out about signals of a model that are not wholly known: which metric is not there, who should tell them and is
// silent, or by which other name they may be told.
type Finding struct {
	Model   string // its ID
	Signals []string
	Text    string
}

// findings looks for what the signals of a model lack. Signals of which it is the same are one finding.
func findings(d *diagnose.Diagnosis, n int, m *Model) (all []Finding) {
	add := func(signal, text string) {
		for i := range all {
			if all[i].Text == text {
				all[i].Signals = append(all[i].Signals, signal)
				return
			}
		}
		all = append(all, Finding{m.ID(), []string{signal}, text})
	}
	for i := range m.Signals {
		s := &m.Signals[i]
		if slices.Contains(promapi.Reasons(), promapi.Reason(s.Why)) {
			continue // Its question failed: others would fail, too.
		}
		unfound, whole := d.Unfound(n, i, m)
		if unfound != "" && !whole {
			add(s.Name, promapi.Printable(unfound)) // It says more than who is silent.
			continue
		}
		found := 0
		for _, text := range []string{d.Silent(n, i, s), d.NearestModel(n, i, s)} {
			if text != "" {
				add(s.Name, promapi.Printable(text))
				found++
			}
		}
		if found == 0 && unfound != "" {
			add(s.Name, promapi.Printable(unfound))
		}
	}
	return all
}

// found keeps the findings about one snapshot: many may look at a page of it.
type found struct {
	mu  sync.Mutex
	of  *Snapshot
	all []Finding
}

// Findings finds out what the models of a snapshot lack that are not wholly known, with few questions for all of them, and none where all
// are known. A second look at a snapshot asks nothing. It changes no decision.
func (e *Evaluator) Findings(ctx context.Context, s *Snapshot) []Finding {
	e.found.mu.Lock()
	defer e.found.mu.Unlock()
	if e.found.of != s {
		d := diagnose.New(ctx, e.program, e.querier, s.At, nil, nil).Within(fewQuestions)
		var all []Finding
		for i := range s.Models {
			all = append(all, findings(d, i, &s.Models[i])...)
		}
		if ctx.Err() != nil {
			return all // Others may have time for all of it.
		}
		e.found.of, e.found.all = s, all
	}
	return e.found.all
}
