package match

import (
	"strings"
	"unicode"

	"github.com/variant-exporter/variant-exporter/collector/query"
)

// Clients, servers and gateways may spell the name of one model in several ways: chat, Chat, org/chat. Demand by a name that no model has and
// that is one's own but for its spelling is a part of that model's.

// respeltDemand is such a name with demand in the namespace of a model; empty for none.
func (r *reader) respeltDemand(m *query.Model, s *query.Signal) string {
	found := ""
	for _, q := range []*query.Query{s.Absolute.Now, s.Queued.Now} {
		if q == nil || !r.failed(q).OK() {
			continue
		}
		r.byModel(q, nil, s.Labels)
		respelt := r.respelt[readKey{query: q, labels: s.Labels}]
		for _, own := range append([]string{m.Name}, m.Match[s.Labels.Model]...) {
			for _, name := range respelt[scoped{m.Namespace, plainName(own)}] {
				if sameOrganisation(own, name) && (found == "" || name < found) {
					found = name
				}
			}
		}
	}
	return found
}

// plainName is the name of a model without what spellings differ in: its organisation, case, and what is no letter or digit.
func plainName(name string) string {
	_, last := splitName(name)
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, last)
}

// sameOrganisation reports whether two names may be of one organisation: one of them names none, or both the same.
func sameOrganisation(a, b string) bool {
	one, _ := splitName(a)
	other, _ := splitName(b)
	return one == "" || other == "" || strings.EqualFold(one, other)
}

// splitName is the organisation of a model's name, which may be empty, and the rest.
func splitName(name string) (organisation, rest string) {
	i := strings.LastIndexByte(name, '/')
	return name[:max(i, 0)], name[i+1:]
}
