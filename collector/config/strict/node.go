package strict

import (
	"reflect"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// entries calls each for every entry of a mapping, merged entries last. It reports duplicate keys.
func (d *Decoder) entries(path string, n *yaml.Node, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.Errorf(path, n, "%s where a mapping is expected", Describe(n)).Hint("write it as `key: value` lines")
		return
	}
	own := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := Resolve(n.Content[i])
		switch {
		case key.Tag == "!!merge":
		case key.Kind != yaml.ScalarNode || key.Value == "" || IsNull(key):
			d.Errorf(path, key, "%s where a key is expected", Describe(key)).Hint("use a text that is not empty")
		case own[key.Value]:
			d.Errorf(Join(path, key.Value), key, "duplicate key %q", shortened(key.Value, maxValue)).Hint("keep one of them")
		default:
			own[key.Value] = true
			d.keys[Join(path, key.Value)] = key
			each(key, n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" {
			d.merge(path, n.Content[i+1], own, each)
		}
	}
}

// merge calls each for the entries of the mappings that a merge key names. Keys that are there already win.
func (d *Decoder) merge(path string, value *yaml.Node, own map[string]bool, each func(key, value *yaml.Node)) {
	n := Resolve(value)
	if !d.spend(n) {
		return
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			d.merge(path, item, own, each)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := Resolve(n.Content[i])
			switch {
			case !d.spend(key):
				return
			case key.Tag == "!!merge":
				d.merge(path, n.Content[i+1], own, each)
			case key.Kind == yaml.ScalarNode && !own[key.Value]:
				own[key.Value] = true
				d.keys[Join(path, key.Value)] = key
				each(key, n.Content[i+1])
			}
		}
	default:
		d.Errorf(Join(path, MergeKey), n, "%s where a mapping is expected", Describe(n)).Hint("<< takes an alias of a mapping, or a list of them")
	}
}

// IsNull reports whether a node has no value.
func IsNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// Resolve follows aliases to the node that they name.
func Resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// Join returns the path of a key below a path.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// The most characters of a value, and of another loader's message, that a message repeats.
const (
	maxValue   = 80
	maxMessage = 300
)

// Shorten cuts another loader's message to the length that a diagnostic may have.
func Shorten(message string) string { return shortened(message, maxMessage) }

func shortened(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + ellipsis
}

// Index returns the path of an item of the list at a path.
func Index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// Describe says in a few words what a node is, as messages about a wrong kind of value begin.
func Describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return strconv.Quote(shortened(n.Value, maxValue))
	}
}

func kindName(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	default:
		return "a " + k.String()
	}
}
