package rules

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Merge puts the rules of Prometheus Adapter into what there is: values of its chart, or its configuration file, by the format. Rules of
// others stay, in their places. Rules of the same names, from an earlier time, are replaced.
func (m *Manifest) Merge(present []byte, o AdapterOptions) error {
	path := []string{"externalRules"}
	switch o.Format {
	case AdapterHelmValues:
		path = []string{"rules", "external"}
	case AdapterConfigMap:
		return errors.New("a ConfigMap cannot be merged: merge the values of the chart (--format=helm-values), or the adapter's file (--format=config)")
	case AdapterConfig:
	}
	var own yaml.Node
	if err := own.Encode(m.documents[0]); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	root, err := mapping(present)
	if err != nil {
		return err
	}
	if o.Format == AdapterHelmValues {
		remove(root, "USER-SUPPLIED VALUES") // which helm get values prints above them
	}
	list, err := descend(root, path)
	if err != nil {
		return err
	}
	rules, err := descend(&own, path)
	if err != nil {
		return err
	}
	for _, rule := range rules.Content {
		name := nameOf(rule)
		list.Content = slices.DeleteFunc(list.Content, func(n *yaml.Node) bool { return nameOf(n) == name })
	}
	if len(list.Content) == 0 {
		list.Style = 0 // It may have been written [].
	}
	list.Content = append(list.Content, rules.Content...)
	m.documents = []any{root}
	m.note("Merged into what was there: rules of others are as they were.")
	return nil
}

// mapping reads a document that is a mapping, or empty.
func mapping(text []byte) (*yaml.Node, error) {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if len(bytes.TrimSpace(text)) > 0 {
		if err := dec.Decode(&doc); err != nil {
			return nil, fmt.Errorf("the file is not YAML: %w", err)
		}
	}
	switch {
	case len(doc.Content) == 0 || doc.Content[0].Tag == "!!null":
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}, nil
	case doc.Content[0].Kind != yaml.MappingNode:
		return nil, errors.New("the file is not a mapping of keys and values")
	}
	return doc.Content[0], nil
}

// descend returns the list below some keys, which are added where they are not there.
func descend(n *yaml.Node, path []string) (*yaml.Node, error) {
	for i, key := range path {
		next := child(n, key)
		last := i == len(path)-1
		switch {
		case next == nil || next.Tag == "!!null":
			made := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			if last {
				made = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
			}
			if next != nil {
				*next = *made
			} else {
				next = made
				n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, next)
			}
		case last && next.Kind != yaml.SequenceNode, !last && next.Kind != yaml.MappingNode:
			return nil, fmt.Errorf("line %d of the file: the adapter's chart does not know %s", next.Line, key)
		}
		n = next
	}
	return n, nil
}

// child is the value of a key; nil without it.
func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func remove(n *yaml.Node, key string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content = slices.Delete(n.Content, i, i+2)
			return
		}
	}
}

// nameOf is the name under which a rule serves its metric.
func nameOf(rule *yaml.Node) string {
	name := child(rule, "name")
	if name == nil {
		return ""
	}
	if as := child(name, "as"); as != nil {
		return as.Value
	}
	return ""
}
