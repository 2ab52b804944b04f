package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// namer gives the sources of a model one name, where the model goes by several: a pod that tells the signal by two of them, such as those of
// adapters, counts once.
type namer struct {
	label string // that has the name
	names []names
}

// names are what a model goes by, beside its own name, as a regular expression.
type names struct{ model, others string }

// How many models are renamed, and how long their names may be together: a query grows with them, it has them twice, and stores refuse one of
// 16 KiB.
const (
	mostRenamed = 10
	mostNames   = 3 << 10
)

// NamesApart reports whether a pod that tells a signal by two names of a model counts twice: too many models have several names to rename them.
func (c *Config) NamesApart(m *Model, s *Signal) bool {
	if !m.severalNames(s.Labels.Model) {
		return false
	}
	n := c.namer(s.Labels.Model)
	return !n.renames()
}

func (m *Model) severalNames(label string) bool {
	return slices.ContainsFunc(m.Match[label], func(name string) bool { return name != m.Name })
}

// namers are those of the labels that names of models stand in. They are worked out once, for all signals.
type namers struct {
	mu sync.Mutex
	by map[string]namer
}

// namer of the models' names in a label.
func (c *Config) namer(label string) namer {
	if c.namers == nil {
		return c.newNamer(label) // It was not loaded.
	}
	c.namers.mu.Lock()
	defer c.namers.mu.Unlock()
	n, known := c.namers.by[label]
	if !known {
		n = c.newNamer(label)
		c.namers.by[label] = n
	}
	return n
}

// newNamer works a namer out. A name that is not always the same model's stays. It renames none where there are too many.
func (c *Config) newNamer(label string) namer {
	several := map[string]bool{}
	for i := range c.Models {
		if m := &c.Models[i]; m.severalNames(label) {
			several[m.Name] = true
		}
	}
	if len(several) == 0 || len(several) > mostRenamed {
		return namer{label: label}
	}
	n := namer{label, c.aliases(label)}
	length := 0
	for _, of := range n.names {
		length += len(of.model) + len(of.others)
	}
	if length > mostNames {
		n.names = nil
	}
	return n
}

// aliases are the names of the models that go by several.
func (c *Config) aliases(label string) (all []names) {
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
	for i := range c.Models {
		m := &c.Models[i]
		var others []string
		for _, name := range m.Match[label] {
			if name != m.Name && owners[name] == m.Name && owners[m.Name] == m.Name {
				others = append(others, regexp.QuoteMeta(name))
			}
		}
		slices.Sort(others)
		if of := (names{m.Name, strings.Join(slices.Compact(others), "|")}); len(others) > 0 && !slices.Contains(all, of) {
			all = append(all, of)
		}
	}
	return all
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
