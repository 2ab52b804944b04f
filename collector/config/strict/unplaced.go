package strict

import (
	"maps"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Unplaced calls visit for every entry below a node whose key has no place there by any of some schemas: a misspelt key, one of another
// program, or a merge of what is no mapping. For a mapping where a text is expected it is called with the mapping as both. It does not look
// into what such an entry holds. With guess, a key that is almost one of the schemas' counts as that one, if it can hold no secret.
func Unplaced(n *yaml.Node, guess bool, visit func(key, value *yaml.Node), schemas ...map[string]any) {
	u := unplaced{visit: visit, guess: guess, seen: map[seenAt]bool{}}
	u.walk(n, schemas)
}

// seenAt is a node at a place of the schema: aliases lead to both again.
type seenAt struct {
	node  *yaml.Node
	place uintptr
}

type unplaced struct {
	visit func(key, value *yaml.Node)
	guess bool
	seen  map[seenAt]bool
}

// walk looks at a node that may be any of some schemas.
func (u *unplaced) walk(n *yaml.Node, schemas []map[string]any) {
	n = Resolve(n)
	schemas = alternatives(schemas)
	at := seenAt{n, 0}
	if len(schemas) > 0 {
		at.place = reflect.ValueOf(schemas[0]).Pointer()
	}
	if u.seen[at] {
		return
	}
	u.seen[at] = true
	if slices.ContainsFunc(schemas, free) {
		return
	}
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			u.walk(item, parts(schemas, "items"))
		}
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	if parts(schemas, "properties") == nil && parts(schemas, "additionalProperties") == nil {
		u.visit(n, n)
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		u.entry(n.Content[i], n.Content[i+1], schemas)
	}
}

// free reports whether anything goes: another loader reads it.
func free(schema map[string]any) bool {
	switch schema["type"] {
	case nil:
		return schema["properties"] == nil && schema["items"] == nil && schema["const"] == nil
	case "object":
		return schema["properties"] == nil && schema["additionalProperties"] == nil
	case "array":
		return schema["items"] == nil
	}
	return false
}

func (u *unplaced) entry(key, value *yaml.Node, schemas []map[string]any) {
	if key.Tag == "!!merge" {
		value = Resolve(value)
		switch value.Kind {
		case yaml.SequenceNode:
			for _, item := range value.Content {
				u.walk(item, schemas)
			}
		case yaml.MappingNode:
			u.walk(value, schemas)
		default:
			u.visit(key, value)
		}
		return
	}
	var below []map[string]any
	for _, s := range schemas {
		if properties, ok := s["properties"].(map[string]any); ok {
			if p, ok := properties[Resolve(key).Value].(map[string]any); ok {
				below = append(below, p)
			}
		}
	}
	if below == nil {
		below = parts(schemas, "additionalProperties")
	}
	if below == nil && u.guess {
		below = meant(schemas, Resolve(key).Value)
	}
	if below == nil {
		u.visit(key, value)
		return
	}
	u.walk(value, below)
}

// meant are the properties that a misspelt key stands for without a doubt: one is spelt almost like it, and holds nothing that another loader
// reads, so no secret.
func meant(schemas []map[string]any, key string) []map[string]any {
	var found []map[string]any
	for _, s := range schemas {
		properties, _ := s["properties"].(map[string]any)
		near := Closest(key, slices.Collect(maps.Keys(properties)))
		if p, ok := properties[near].(map[string]any); ok && misspeltPart*Distance(key, near) <= len(key) && !leadsAway(p) {
			found = append(found, p)
		}
	}
	return found
}

// misspeltPart is the part of a key's letters, as a divisor, that may be wrong where it is shown what it holds.
const misspeltPart = 4

// leadsAway reports whether a schema leads to a place where anything goes.
func leadsAway(schema map[string]any) bool {
	if all, ok := schema["anyOf"].([]any); ok {
		return slices.ContainsFunc(all, func(one any) bool {
			s, ok := one.(map[string]any)
			return ok && leadsAway(s)
		})
	}
	if free(schema) {
		return true
	}
	for _, part := range []string{"items", "additionalProperties"} {
		if s, ok := schema[part].(map[string]any); ok && leadsAway(s) {
			return true
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	for _, p := range properties {
		if s, ok := p.(map[string]any); ok && leadsAway(s) {
			return true
		}
	}
	return false
}

// parts are those that the schemas have under a name.
func parts(schemas []map[string]any, name string) []map[string]any {
	var found []map[string]any
	for _, s := range schemas {
		if p, ok := s[name].(map[string]any); ok {
			found = append(found, p)
		}
	}
	return found
}

// alternatives are schemas without those that only list others.
func alternatives(schemas []map[string]any) []map[string]any {
	var found []map[string]any
	for _, s := range schemas {
		all, ok := s["anyOf"].([]any)
		if !ok {
			found = append(found, s)
			continue
		}
		for _, one := range all {
			if one, ok := one.(map[string]any); ok {
				found = append(found, alternatives([]map[string]any{one})...)
			}
		}
	}
	return found
}
