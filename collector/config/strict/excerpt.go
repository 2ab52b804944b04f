package strict

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Excerpt is a part of a document as a text for another loader, with one key a line and aliases resolved: the line numbers in that
// loader's errors lead back to the keys of the document.
type Excerpt struct {
	Text string
	from *yaml.Node // the nodes that the text was written from
}

// Excerpt writes some top-level keys of the document.
func (d *Decoder) Excerpt(keys ...string) (*Excerpt, error) {
	written, from := &yaml.Node{Kind: yaml.MappingNode}, &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range keys {
		n := d.nodes[key]
		written.Content = append(written.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, d.plain(n, 0))
		from.Content = append(from.Content, d.keys[key], n)
	}
	text, err := yaml.Marshal(written)
	if err != nil {
		return nil, fmt.Errorf("write an excerpt: %w", err)
	}
	return &Excerpt{Text: string(text), from: from}, nil
}

// maxDepth is deeper than any document of use is.
const maxDepth = 100

// plain copies a node without aliases, merge keys and flow style.
func (d *Decoder) plain(n *yaml.Node, depth int) *yaml.Node {
	n = Resolve(n)
	if depth == maxDepth {
		d.budget = min(d.budget, 1) // It contains itself, or is too deep.
	}
	if !d.spend(n) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	c := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: n.Style &^ yaml.FlowStyle, Line: n.Line, Column: n.Column}
	for _, item := range n.Content {
		c.Content = append(c.Content, d.plain(item, depth+1))
	}
	return c
}

// Lines returns the path of the first key on each line of an excerpt. From then on the decoder knows the nodes of these paths.
func (d *Decoder) Lines(e *Excerpt) map[int]string {
	lines := map[int]string{}
	var written yaml.Node
	if yaml.Unmarshal([]byte(e.Text), &written) == nil {
		d.lines(lines, "", written.Content[0], e.from)
	}
	return lines
}

func (d *Decoder) lines(lines map[int]string, path string, written, from *yaml.Node) {
	from = Resolve(from)
	for i := range min(len(written.Content), len(from.Content)) {
		if written.Kind == yaml.SequenceNode {
			at := Index(path, i)
			d.nodes[at] = Resolve(from.Content[i])
			d.lines(lines, at, written.Content[i], from.Content[i])
			continue
		}
		if i%2 == 0 {
			continue
		}
		at := Join(path, written.Content[i-1].Value)
		d.nodes[at], d.keys[at] = Resolve(from.Content[i]), from.Content[i-1]
		lines[written.Content[i-1].Line] = at
		d.lines(lines, at, written.Content[i], from.Content[i])
	}
}

// PathOf returns the path, of those with one of some prefixes, whose value is a text, or nothing.
func (d *Decoder) PathOf(value string, prefixes ...string) string {
	for _, path := range slices.Sorted(maps.Keys(d.nodes)) {
		inside := slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
		if n := d.nodes[path]; inside && n.Kind == yaml.ScalarNode && n.Value == value {
			return path
		}
	}
	return ""
}

// SplitErrors returns the errors that a YAML library joined into one.
func SplitErrors(err error) []string {
	var kept []string
	for l := range strings.Lines(trimYAML(err)) {
		if l = strings.TrimSpace(l); l != "" {
			kept = append(kept, l)
		}
	}
	return kept
}

// trimYAML strips the prefixes with which the YAML libraries name themselves.
func trimYAML(err error) string {
	text := err.Error()
	for _, prefix := range []string{"yaml: unmarshal errors:", "yaml:"} {
		text = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), prefix))
	}
	return text
}
