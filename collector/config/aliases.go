package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// namer gives the sources of a model one name, where the model goes by several: a pod that tells the signal by two of them, such as those of
// adapters, counts once.
type namer struct {
	label string // that has the name
	names []names
}

// names are what a model goes by, beside its own name, as a regular expression.
type names struct{ model, others string }

// namer of the models' names. One that is not always the same model's stays.
func (c *Config) namer(label string) namer {
	owners := map[string]string{}
	for i := range c.Models {
		m := &c.Models[i]
		for _, name := range append([]string{m.Name}, m.Match[label]...) {
			if owner, known := owners[name]; known && owner != m.Name {
				owners[name] = ""
			} else {
				owners[name] = m.Name
			}
		}
	}
	n := namer{label: label}
	for i := range c.Models {
		m := &c.Models[i]
		var others []string
		for _, name := range m.Match[label] {
			if name != m.Name && owners[name] == m.Name && owners[m.Name] == m.Name {
				others = append(others, regexp.QuoteMeta(name))
			}
		}
		slices.Sort(others)
		if all := (names{m.Name, strings.Join(slices.Compact(others), "|")}); len(others) > 0 && !slices.Contains(n.names, all) {
			n.names = append(n.names, all)
		}
	}
	return n
}

func (n *namer) renames() bool { return len(n.names) > 0 }

// group groups series by labels, those of a model by its one name. It is written to another label first, as two series with equal labels are
// an error.
func (n *namer) group(expr string, by []string) string {
	grouped := fmt.Sprintf("group by (%s) (%s)", strings.Join(by, ", "), expr)
	at := slices.Index(by, n.label)
	if !n.renames() || at < 0 {
		return grouped
	}
	const as = "named"
	grouped = fmt.Sprintf("label_replace(%s, %q, %q, %q, %q)", grouped, as, "$1", n.label, "(.*)")
	for _, m := range n.names {
		grouped = fmt.Sprintf("label_replace(%s, %q, %q, %q, %q)", grouped, as, strings.ReplaceAll(m.model, "$", "$$"), n.label, m.others)
	}
	by = slices.Clone(by)
	by[at] = as
	return fmt.Sprintf("label_replace(group by (%s) (%s), %q, %q, %q, %q)", strings.Join(by, ", "), grouped, n.label, "$1", as, "(.*)")
}
