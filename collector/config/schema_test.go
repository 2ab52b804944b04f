package config_test

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/internal/long"
)

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := config.Schema()
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("schema.json", document))
	schema, err := compiler.Compile("schema.json")
	require.NoError(t, err)
	return schema
}

// parsed is what an editor sees of a file.
func parsed(t *testing.T, text string) any {
	t.Helper()
	var document any
	require.NoError(t, yaml.Unmarshal([]byte(text), &document))
	return document
}

func TestSchemaTakesGoodFiles(t *testing.T) {
	schema := compile(t)
	for _, folder := range []string{"good", "doubtful"} {
		for _, name := range files(t, folder) {
			require.NoError(t, schema.Validate(parsed(t, strings.ReplaceAll(read(t, name), "2026-01-01", "'2026-01-01'"))), name)
		}
	}
}

// Files whose mistakes a schema can tell.
func TestSchemaRefusesBadFiles(t *testing.T) {
	schema := compile(t)
	for name := range strings.FieldsSeq(`unknown_fields wrong_types missing_required null_values empty_values enumerations durations
		numbers quantities no_models empty_models http_unknown_key http_scalar scrape_shape scrape_empty not_a_mapping`) {
		require.Error(t, schema.Validate(parsed(t, read(t, filepath.Join("testdata", "bad", name+".yml")))), name)
	}
}

// minimal is the smallest document into which every property can be set.
const minimal = `
prometheus: {url: http://prometheus:9090}
signals: {x: {unit: requests, demand: sum by (model_name) (x)}}
budgets: [{name: x, unit: accelerators, limit: 1}]
models:
  - name: x
    namespace: llm
    variants: [{name: x, cost: 1, capacity: {x: 1}}]
`

// step is one step of the way to a property: a key, or 0 for the first item of a list.
type step any

// property is a place that the schema describes.
type property struct {
	path   []step
	schema *jsonschema.Schema
}

func (p property) String() string {
	var b strings.Builder
	for i, s := range p.path {
		switch {
		case s == 0:
			b.WriteString("[0]")
		case i > 0:
			fmt.Fprintf(&b, ".%v", s)
		default:
			fmt.Fprint(&b, s)
		}
	}
	return b.String()
}

// properties lists all that the schema describes, with x for the free keys.
func properties(s *jsonschema.Schema, path []step) []property {
	var found []property
	for _, alternative := range s.AnyOf {
		found = append(found, properties(alternative, path)...)
	}
	add := func(next step, child *jsonschema.Schema) {
		p := append(slices.Clone(path), next)
		found = append(found, property{p, child})
		found = append(found, properties(child, p)...)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		add(name, s.Properties[name])
	}
	if free, ok := s.AdditionalProperties.(*jsonschema.Schema); ok {
		add("x", free)
	}
	if items, ok := s.Items.(*jsonschema.Schema); ok {
		add(0, items)
	}
	return found
}

// with returns a document with a value put at a path, mappings and lists made on the way.
func with(document any, path []step, value any) any {
	if len(path) == 0 {
		return value
	}
	if path[0] == 0 {
		list, _ := document.([]any)
		list = append(slices.Clone(list), nil)[:max(len(list), 1)]
		list[0] = with(list[0], path[1:], value)
		return list
	}
	mapping, _ := document.(map[string]any)
	mapping = maps.Clone(mapping)
	if mapping == nil {
		mapping = map[string]any{}
	}
	key := path[0].(string)
	mapping[key] = with(mapping[key], path[1:], value)
	return mapping
}

// structural are the messages for what a schema can tell too.
var structural = regexp.MustCompile(`is expected|this must be|unknown (field|value)|is not a (duration|time|quantity|number of replicas)|is (below|above|missing|empty)|` +
	`no value|empty (list|expression)|expression has|nothing to scrape`)

// refused says whether the loader finds a structural mistake at or below a place.
func refused(document any, at property) (bool, config.Diagnostics) {
	text, err := yaml.Marshal(document)
	if err != nil {
		return true, nil
	}
	_, found := config.Load("test.yml", string(text))
	return slices.ContainsFunc(found, func(d config.Diagnostic) bool {
		path := d.Path
		if name, missing := strings.CutSuffix(d.Message, " is missing"); missing {
			path = strings.TrimPrefix(path+"."+name, ".")
		}
		// What stands inside these two is Prometheus' own, which the schema leaves to its loader.
		foreign := strings.HasPrefix(path, "global.") || strings.HasPrefix(path, "scrape_configs[")
		return strings.HasPrefix(path, at.String()) && !foreign && structural.MatchString(d.Message)
	}), found
}

// TestSchemaAgreesWithLoader puts values of every kind at every place: what one of the two refuses, the other must.
func TestSchemaAgreesWithLoader(t *testing.T) {
	schema := compile(t)
	values := []any{
		nil, true, 3, -3, 0.5, -0.5, 2e6, "", "text", "3", "5m", "no PromQL {",
		[]any{},
		[]any{nil},
		[]any{1},
		[]any{"", "a"},
		[]any{[]any{}},
		map[string]any{},
		map[string]any{"zzz": 1},
		map[string]any{"zzz": nil},
		map[string]any{"query": "up"},
	}
	all := properties(schema, nil)
	require.Greater(t, len(all), 120)
	for i, at := range all {
		base := parsed(t, minimal)
		top := at.path[0].(string)
		if top == "scrape_configs" || top == "global" {
			base = with(base, []step{"prometheus"}, nil)
		}
		for j, value := range values {
			if !long.Wanted() && (i+j)%20 != 0 {
				continue // Every place is tried, and every value somewhere.
			}
			document := with(base, at.path, value)
			invalid := at.schema.Validate(value) != nil
			loaderRefuses, found := refused(document, at)
			assert.Equal(t, loaderRefuses, invalid, "%s: %#v: the schema refuses it, the loader\n%s", at, value, found)
			if invalid {
				require.Error(t, schema.Validate(document), "%s: %#v", at, value)
			}
		}
	}
}

func TestSchemaRefusesUnknownSiblings(t *testing.T) {
	schema := compile(t)
	for _, at := range properties(schema, nil) {
		last := len(at.path) - 1
		name, ok := at.path[last].(string)
		if !ok || name == "x" {
			continue
		}
		sibling := property{append(slices.Clone(at.path[:last]), name+"_zzz"), nil}
		document := with(parsed(t, minimal), sibling.path, "text")
		require.Error(t, schema.Validate(document), sibling)
		bad, found := refused(document, sibling)
		require.True(t, bad, "%s: %s", sibling, found)
	}
}

func TestSchemaHasEveryField(t *testing.T) {
	described := map[string]bool{}
	for _, p := range properties(compile(t), nil) {
		described[p.String()] = true
	}
	var visit func(typ reflect.Type, path string)
	visit = func(typ reflect.Type, path string) {
		switch typ.Kind() {
		case reflect.Pointer:
			visit(typ.Elem(), path)
		case reflect.Slice:
			visit(typ.Elem(), path+"[0]")
		case reflect.Map:
			visit(typ.Elem(), path+".x")
		case reflect.Struct:
			for f := range typ.Fields() {
				name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
				if strings.Contains(options, "inline") {
					visit(f.Type, path)
				} else if name != "" {
					at := strings.TrimPrefix(path+"."+name, ".")
					require.True(t, described[at], at)
					visit(f.Type, at)
				}
			}
		default:
		}
	}
	visit(reflect.TypeFor[config.Config](), "")
}
