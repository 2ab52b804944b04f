package config

import (
	"reflect"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// entries calls each for every entry of a mapping, those that merge keys bring in last, and reports keys that stand twice.
func (d *decoder) entries(path string, n *yaml.Node, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.errorf(path, n, "%s where a mapping is expected", describe(n)).hint("write it as `key: value` lines")
		return
	}
	own := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := resolve(n.Content[i])
		switch {
		case key.Tag == "!!merge":
		case key.Kind != yaml.ScalarNode || key.Value == "" || isNull(key):
			d.errorf(path, key, "%s where a key is expected", describe(key)).hint("a key is a text that is not empty")
		case own[key.Value]:
			d.errorf(join(path, key.Value), key, "%q is given twice", shortened(key.Value, maxValue)).hint("keep one of them")
		default:
			own[key.Value] = true
			d.keys[join(path, key.Value)] = key
			each(key, n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" {
			d.merge(path, n.Content[i+1], own, each)
		}
	}
}

// merge calls each for the entries of mappings that a merge key names, as far as their keys are not there already.
func (d *decoder) merge(path string, value *yaml.Node, own map[string]bool, each func(key, value *yaml.Node)) {
	n := resolve(value)
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
			key := resolve(n.Content[i])
			switch {
			case !d.spend(key):
				return
			case key.Tag == "!!merge":
				d.merge(path, n.Content[i+1], own, each)
			case key.Kind == yaml.ScalarNode && !own[key.Value]:
				own[key.Value] = true
				d.keys[join(path, key.Value)] = key
				each(key, n.Content[i+1])
			}
		}
	default:
		d.errorf(join(path, mergeKey), n, "%s where a mapping is expected", describe(n)).hint("<< takes an alias of a mapping, or a list of them")
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// resolve follows aliases.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// How many characters of a value, and of another loader's message, a message repeats.
const (
	maxValue   = 80
	maxMessage = 300
)

// shortened cuts a text.
func shortened(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + ellipsis
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func describe(n *yaml.Node) string {
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
