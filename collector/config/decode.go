package config

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder fills values from YAML nodes and collects every mistake on the way, instead of stopping at the first. It remembers
// which node each path came from, so that later checks can point at the file too.
type decoder struct {
	src   *source
	nodes map[string]*yaml.Node
	keys  map[string]*yaml.Node // the key of a mapping entry, by the entry's path
	found Diagnostics

	fields map[reflect.Type][]field
	more   bool // errors beyond maxFound
	budget int  // how many more values may be read, aliases followed
}

const (
	maxFound    = 200
	extraValues = 100_000 // that aliases may add to what stands in the file
	mergeKey    = "<<"
)

// yamlDecoder is implemented by types that have a notation of their own.
type yamlDecoder interface {
	decodeYAML(d *decoder, path string, n *yaml.Node)
}

// decode fills the value that out points to.
func (d *decoder) decode(path string, n *yaml.Node, out any) {
	d.value(path, n, reflect.ValueOf(out).Elem())
}

func (d *decoder) value(path string, n *yaml.Node, v reflect.Value) {
	n = resolve(n)
	if !d.spend(n) {
		return
	}
	d.nodes[path] = n
	if isNull(n) {
		return // nothing was given: the default stays
	}
	if custom, ok := reflect.TypeAssert[yamlDecoder](v.Addr()); ok {
		custom.decodeYAML(d, path, n)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(path, n, v.Elem())
	case reflect.Struct:
		d.structure(path, n, v)
	case reflect.Map:
		d.mapping(path, n, v)
	case reflect.Slice:
		d.sequence(path, n, v)
	default:
		d.basic(path, n, v)
	}
}

// spend counts a value that is read. Aliases of aliases can make few lines mean billions of values: it says when to stop.
func (d *decoder) spend(n *yaml.Node) bool {
	d.budget--
	if d.budget == 0 {
		d.errorf("", n, "aliases make the configuration more than %d values longer", extraValues).hint("write the values out")
	}
	return d.budget > 0
}

func (d *decoder) structure(path string, n *yaml.Node, v reflect.Value) {
	fields, ok := d.fields[v.Type()]
	if !ok {
		fields = fieldsOf(v.Type())
		d.fields[v.Type()] = fields
	}
	given := map[string]bool{}
	d.entries(path, n, func(key, value *yaml.Node) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
		if i < 0 {
			d.unknown(join(path, key.Value), key, "field", key.Value, fieldNames(fields))
			return
		}
		f, at := fields[i], join(path, key.Value)
		given[f.name] = !isNull(resolve(value))
		before := len(d.found)
		d.value(at, value, v.FieldByIndex(f.index))
		if given[f.name] && len(d.found) == before {
			d.bounds(at, resolve(value), f, v.FieldByIndex(f.index))
		}
		if last := len(d.found) - 1; last >= before && d.found[last].Path == at && d.found[last].Hint == "" {
			d.found[last].Hint = f.doc
		}
	})
	for _, f := range fields {
		if f.required && !given[f.name] && n.Kind == yaml.MappingNode {
			d.errorf(path, n, "%s is missing", f.name).hint("%s", f.doc)
		}
	}
}

// bounds reports a value that is empty where it must not be, or a number outside its bounds.
func (d *decoder) bounds(path string, n *yaml.Node, f field, v reflect.Value) {
	if f.notEmpty() && v.Len() == 0 {
		d.errorf(path, n, "%s is empty", f.name).hint("%s", f.doc)
		return
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	var x float64
	switch v.Kind() {
	case reflect.Int:
		x = float64(v.Int())
	case reflect.Float64:
		x = v.Float()
	default:
		return
	}
	if least, err := strconv.ParseFloat(f.minimum, 64); err == nil && x < least {
		d.errorf(path, n, "%s is below %s", n.Value, f.minimum).hint("%s", f.doc)
	}
	if most, err := strconv.ParseFloat(f.maximum, 64); err == nil && x > most {
		d.errorf(path, n, "%s is above %s", n.Value, f.maximum).hint("%s", f.doc)
	}
}

func (d *decoder) mapping(path string, n *yaml.Node, v reflect.Value) {
	v.Set(reflect.MakeMap(v.Type()))
	d.entries(path, n, func(key, value *yaml.Node) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.item(join(path, key.Value), value, item)
		v.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), item)
	})
}

func (d *decoder) sequence(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.errorf(path, n, "%s where a list is expected", describe(n)).hint("write it as `- item` lines or [item, item]")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.item(index(path, i), item, v.Index(i))
	}
}

// item reads an entry of a list or of a mapping with free keys. There is no default that an empty one could stand for.
func (d *decoder) item(path string, n *yaml.Node, v reflect.Value) {
	d.value(path, n, v)
	if n = resolve(n); isNull(n) || n.Kind == yaml.ScalarNode && n.Value == "" && v.Kind() == reflect.String {
		d.errorf(path, n, "no value").hint("give one, or take the entry out")
	}
}

func (d *decoder) basic(path string, n *yaml.Node, v reflect.Value) {
	if v.Kind() == reflect.String {
		var text string
		if !d.scalar(path, n, &text, "a text") {
			return
		}
		if enum, ok := reflect.TypeAssert[enumeration](v); ok && !slices.Contains(enum.values(), text) {
			d.unknown(path, n, "value", text, enum.values())
			return
		}
		v.SetString(text)
		return
	}
	if n.Kind != yaml.ScalarNode || !d.set(n, v) {
		d.errorf(path, n, "%s where %s is expected", describe(n), kindName(v.Kind()))
	}
}

// set reads a number or a truth value. The YAML library would take a quoted or a rounded number, and yes for true, which
// editors and the schema do not.
func (d *decoder) set(n *yaml.Node, v reflect.Value) bool {
	if v.Kind() == reflect.Bool {
		return n.Tag == "!!bool" && n.Decode(v.Addr().Interface()) == nil
	}
	x, ok := number(n)
	switch {
	case !ok:
		return false
	case v.Kind() == reflect.Float64:
		v.SetFloat(x)
	case x != math.Trunc(x) || math.Abs(x) > 1<<53:
		return false
	default:
		v.SetInt(int64(x))
	}
	return true
}

// number reads a finite number.
func number(n *yaml.Node) (x float64, ok bool) {
	if n.Tag != "!!int" && n.Tag != "!!float" {
		return 0, false
	}
	err := n.Decode(&x)
	return x, err == nil && !math.IsNaN(x) && !math.IsInf(x, 0)
}

// enumeration is implemented by texts that come from a closed list.
type enumeration interface{ values() []string }

// scalar reads a text. What YAML would take for a number, such as an unquoted 1.10, stays the text that it is.
func (d *decoder) scalar(path string, n *yaml.Node, out *string, what string) bool {
	if n.Kind != yaml.ScalarNode {
		d.errorf(path, n, "%s where %s is expected", describe(n), what)
		return false
	}
	*out = n.Value
	return true
}

// unknown reports a word that is not among those allowed, with the closest of them.
func (d *decoder) unknown(path string, n *yaml.Node, kind, word string, allowed []string) {
	r := d.errorf(path, n, "unknown %s %q", kind, shortened(word, maxValue))
	if near := closest(word, allowed); near != "" {
		r.hint("did you mean %q?", near)
		return
	}
	if len(allowed) == 0 {
		r.hint("there is none to choose from")
		return
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(allowed)))
	r.hint("allowed: %s", strings.Join(sorted, ", "))
}
