package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/promslog"
	promconfig "github.com/prometheus/prometheus/config"
	"go.yaml.in/yaml/v3"
)

// Raw is a section that Prometheus' own loader reads.
type Raw struct{ Set bool }

func (r *Raw) decodeYAML(*decoder, string, *yaml.Node) { r.Set = true }

func (Raw) jsonSchema(*schemaBuilder) map[string]any {
	return map[string]any{"type": []any{"object", "array"}}
}

// HTTPConfig is Prometheus' HTTP client configuration.
type HTTPConfig struct {
	commonconfig.HTTPClientConfig
}

func (c *HTTPConfig) decodeYAML(d *decoder, path string, n *yaml.Node) {
	before := len(d.found)
	d.knownKeys(path, n, reflect.TypeFor[commonconfig.HTTPClientConfig]())
	if len(d.found) > before {
		return
	}
	if err := n.Decode(&c.HTTPClientConfig); err != nil {
		d.errorf(path, n, "%s", trimYAML(err)).hint("see the HTTP client section of Prometheus' configuration documentation")
	}
}

func (HTTPConfig) jsonSchema(*schemaBuilder) map[string]any {
	properties := map[string]any{}
	for _, f := range foreignFields(reflect.TypeFor[commonconfig.HTTPClientConfig]()) {
		properties[f.name] = map[string]any{}
	}
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}

// knownKeys reports keys that a foreign type does not have, all the way down. Its own loader would name the first only, and
// without a column.
func (d *decoder) knownKeys(path string, n *yaml.Node, t reflect.Type) {
	n = resolve(n)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	fields := foreignFields(t)
	if n.Kind != yaml.MappingNode || len(fields) == 0 {
		return
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	d.entries(path, n, func(key, value *yaml.Node) {
		for _, f := range fields {
			if f.name == key.Value {
				d.nodes[join(path, key.Value)] = value
				d.knownKeys(join(path, key.Value), value, f.typ)
				return
			}
		}
		d.unknown(join(path, key.Value), key, "field", key.Value, names)
	})
}

// foreignFields lists the YAML keys of a struct of another module. A struct without any, such as a URL, has a notation of its own.
func foreignFields(t reflect.Type) []field {
	if t.Kind() != reflect.Struct {
		return nil
	}
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || name == "" || name == "-" || strings.Contains(options, "inline") {
			continue
		}
		fields = append(fields, field{name: name, typ: f.Type})
	}
	return fields
}

// loadEmbedded has Prometheus' own loader read global and scrape_configs. It is given the file with every other section blanked
// out, so that the line numbers in its errors are those of the file.
func (d *decoder) loadEmbedded(root *yaml.Node) *promconfig.Config {
	var sections []string
	keep := make([]bool, len(d.src.lines)+1)
	for i := 0; i+1 < len(root.Content); i += 2 {
		name := root.Content[i].Value
		if name != "global" && name != "scrape_configs" {
			continue
		}
		sections = append(sections, name)
		end := len(d.src.lines)
		if i+2 < len(root.Content) {
			end = root.Content[i+2].Line - 1
		}
		for line := root.Content[i].Line; line <= end; line++ {
			keep[line] = true
		}
	}
	var text strings.Builder
	for i, line := range d.src.lines {
		if keep[i+1] {
			text.WriteString(line)
		}
		text.WriteByte('\n')
	}
	loaded, err := promconfig.Load(text.String(), promslog.NewNopLogger())
	if err == nil {
		return loaded
	}
	section := sections[len(sections)-1]
	for _, e := range splitYAML(err) {
		d.reportForeign(section, e)
	}
	return nil
}

// reportForeign reports an error of Prometheus' loader, at its line where it names one.
func (d *decoder) reportForeign(section, message string) {
	const hint = "see Prometheus' configuration documentation"
	line, rest := 0, message
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		rest = strings.TrimSpace(m[2])
	}
	if line == 0 {
		d.errorf(section, nil, "%s", rest).hint(hint)
		return
	}
	text := d.src.line(line)
	column := len(text) - len(strings.TrimLeft(text, " \t-")) + 1
	d.reportAt(Diagnostic{
		Line: line, Column: column, Path: section, Severity: SeverityError, Message: rest,
		width: len(strings.TrimSpace(text)),
	}).hint(hint)
}

var yamlLine = regexp.MustCompile(`^\s*line (\d+): (.*)$`)

// splitYAML takes the errors that a YAML library reports as one apart.
func splitYAML(err error) []string {
	lines := strings.Split(trimYAML(err), "\n")
	var kept []string
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" {
			kept = append(kept, l)
		}
	}
	return kept
}

// trimYAML strips what the YAML libraries say of themselves.
func trimYAML(err error) string {
	text := fmt.Sprint(err)
	for _, prefix := range []string{"parsing YAML file :", "yaml: unmarshal errors:", "yaml:"} {
		text = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), prefix))
	}
	return text
}

// Quantities is one quantity or a list of them of which the smallest counts.
type Quantities []Quantity

func (q *Quantities) decodeYAML(d *decoder, path string, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		d.decode(path, n, (*[]Quantity)(q))
		if len(*q) == 0 {
			d.errorf(path, n, "empty list").hint("give at least one limit")
		}
		return
	}
	*q = make(Quantities, 1)
	(*q)[0].decodeYAML(d, path, n)
}

func (Quantities) jsonSchema(b *schemaBuilder) map[string]any {
	one := Quantity{}.jsonSchema(b)
	return map[string]any{"anyOf": append(one["anyOf"].([]any),
		map[string]any{"type": "array", "items": one, "minItems": 1})}
}
