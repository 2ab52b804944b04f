package strict

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Decoder fills values from YAML nodes and collects every mistake on the way, instead of stopping at the first. It remembers
// the node of each path: later checks report at the right place too.
type Decoder struct {
	options Options
	src     *source
	nodes   map[string]*yaml.Node
	keys    map[string]*yaml.Node // the key of a mapping entry, by the entry's path
	found   Diagnostics

	misspelt map[string]bool // the paths that were meant by keys which are almost the same

	defined []string // $NAME and what it stands for, by turns

	fields map[reflect.Type][]Field
	more   bool // errors beyond maxFound
	budget int  // how many more values may be read, aliases followed
}

// Options are what one format adds to the strict reading of YAML.
type Options struct {
	Empty  string                // hint for a document with nothing in it
	Secret func(key string) bool // reports whether a key sounds as if its value were a secret; nil: no key does
	Known  func(key string) bool // reports whether a key has a place somewhere; nil: all have
}

const (
	maxFound    = 200
	extraValues = 100_000 // that aliases may add to the values in the file
)

// MergeKey is the key that merges other mappings into its own.
const MergeKey = "<<"

// NewDecoder returns a decoder of a text. The name is that of its file, for diagnostics.
func NewDecoder(name, text string, o Options) *Decoder {
	return &Decoder{
		options: o, src: newSource(name, text), nodes: map[string]*yaml.Node{}, keys: map[string]*yaml.Node{},
		misspelt: map[string]bool{}, fields: map[reflect.Type][]Field{}, budget: extraValues,
	}
}

// Unmarshaler is implemented by types that have a notation of their own.
type Unmarshaler interface {
	DecodeYAML(d *Decoder, path string, n *yaml.Node)
}

// Decode fills the value that out points to.
func (d *Decoder) Decode(path string, n *yaml.Node, out any) {
	d.value(path, n, reflect.ValueOf(out).Elem())
}

func (d *Decoder) value(path string, n *yaml.Node, v reflect.Value) {
	n = Resolve(n)
	if !d.spend(n) {
		return
	}
	d.nodes[path] = n
	if IsNull(n) {
		return // nothing was given: the default stays
	}
	if custom, ok := reflect.TypeAssert[Unmarshaler](v.Addr()); ok {
		custom.DecodeYAML(d, path, n)
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

// spend counts a value that is read, and reports whether to read on. With aliases of aliases, few lines can mean billions of
// values.
func (d *Decoder) spend(n *yaml.Node) bool {
	d.budget--
	if d.budget == 0 {
		d.Errorf("", n, "aliases make the file more than %d values longer", extraValues).Hint("write the values out")
	}
	return d.budget > 0
}

func (d *Decoder) structure(path string, n *yaml.Node, v reflect.Value) {
	fields, ok := d.fields[v.Type()]
	if !ok {
		fields = Fields(v.Type())
		d.fields[v.Type()] = fields
	}
	given := map[string]bool{}
	d.entries(path, n, func(key, value *yaml.Node) {
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == key.Value })
		if i < 0 {
			d.Unknown(Join(path, key.Value), key, "field", key.Value, fieldNames(fields))
			near := Closest(key.Value, fieldNames(fields))
			given[near], d.misspelt[Join(path, near)] = true, true // What is misspelt is not missing, too.
			return
		}
		f, at := fields[i], Join(path, key.Value)
		given[f.Name] = !IsNull(Resolve(value))
		before := len(d.found)
		d.value(at, value, v.FieldByIndex(f.index))
		if given[f.Name] && len(d.found) == before {
			d.bounds(at, Resolve(value), f, v.FieldByIndex(f.index))
		}
		if last := len(d.found) - 1; last >= before && d.found[last].Path == at && d.found[last].Hint == "" {
			d.found[last].Hint = f.Doc
		}
	})
	for _, f := range fields {
		if f.Required && !given[f.Name] && n.Kind == yaml.MappingNode {
			d.Errorf(path, n, "%s is missing", f.Name).Hint("%s", f.Doc)
		}
	}
}

// bounds reports a value that must not be empty, or a number outside its bounds.
func (d *Decoder) bounds(path string, n *yaml.Node, f Field, v reflect.Value) {
	if f.notEmpty() && v.Len() == 0 {
		d.Errorf(path, n, "%s is empty", f.Name).Hint("%s", f.Doc)
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
		d.Errorf(path, n, "%s is below %s", n.Value, f.minimum).Hint("%s", f.Doc)
	}
	if most, err := strconv.ParseFloat(f.maximum, 64); err == nil && x > most {
		d.Errorf(path, n, "%s is above %s", n.Value, f.maximum).Hint("%s", f.Doc)
	}
}

func (d *Decoder) mapping(path string, n *yaml.Node, v reflect.Value) {
	v.Set(reflect.MakeMap(v.Type()))
	d.entries(path, n, func(key, value *yaml.Node) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.item(Join(path, key.Value), value, item)
		v.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), item)
	})
}

func (d *Decoder) sequence(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.Errorf(path, n, "%s where a list is expected", Describe(n)).Hint("write it as `- item` lines or [item, item]")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.item(Index(path, i), item, v.Index(i))
	}
}

// item reads an entry of a list or of a mapping with free keys. An empty entry has no default.
func (d *Decoder) item(path string, n *yaml.Node, v reflect.Value) {
	d.value(path, n, v)
	if n = Resolve(n); IsNull(n) || n.Kind == yaml.ScalarNode && n.Value == "" && v.Kind() == reflect.String {
		d.Errorf(path, n, "no value").Hint("set a value, or remove the entry")
	}
}

func (d *Decoder) basic(path string, n *yaml.Node, v reflect.Value) {
	if v.Kind() == reflect.String {
		var text string
		if !d.Scalar(path, n, &text, "a text") {
			return
		}
		if enum, ok := reflect.TypeAssert[Enumeration](v); ok && !slices.Contains(enum.Values(), text) {
			d.Unknown(path, n, "value", text, enum.Values())
			return
		}
		v.SetString(text)
		return
	}
	if n.Kind != yaml.ScalarNode || !d.set(n, v) {
		d.Errorf(path, n, "%s where %s is expected", Describe(n), kindName(v.Kind()))
	}
}

// set reads a number or a truth value. It is stricter than the YAML library, which accepts quoted and rounded numbers, and yes as
// true: editors and the schema refuse them.
func (d *Decoder) set(n *yaml.Node, v reflect.Value) bool {
	if v.Kind() == reflect.Bool {
		return n.Tag == "!!bool" && n.Decode(v.Addr().Interface()) == nil
	}
	x, ok := Number(n)
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

// Number reads a finite number, and reports whether there is one.
func Number(n *yaml.Node) (x float64, ok bool) {
	if n.Tag != "!!int" && n.Tag != "!!float" {
		return 0, false
	}
	err := n.Decode(&x)
	return x, err == nil && !math.IsNaN(x) && !math.IsInf(x, 0)
}

// Enumeration is implemented by texts from a closed list.
type Enumeration interface{ Values() []string }

// Scalar reads a text, and reports whether there is one. An unquoted 1.10 stays the text 1.10, although YAML reads it as a number.
func (d *Decoder) Scalar(path string, n *yaml.Node, out *string, what string) bool {
	if n.Kind != yaml.ScalarNode {
		d.Errorf(path, n, "%s where %s is expected", Describe(n), what)
		return false
	}
	*out = n.Value
	return true
}

// Unknown reports a word that is not allowed, with the closest word that is.
func (d *Decoder) Unknown(path string, n *yaml.Node, kind, word string, allowed []string) {
	r := d.Errorf(path, n, "unknown %s %q", kind, shortened(word, maxValue))
	if near := Closest(word, allowed); near != "" {
		r.Hint("did you mean %q?", near)
		return
	}
	if len(allowed) == 0 {
		r.Hint("there are none to choose from")
		return
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(allowed)))
	r.Hint("allowed: %s", strings.Join(sorted, ", "))
}
