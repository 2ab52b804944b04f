package config

import (
	"reflect"
	"strings"

	commonconfig "github.com/prometheus/common/config"
	promconfig "github.com/prometheus/prometheus/config"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// places are the schemas of the document and of the sections that Prometheus' own loader reads, by their keys.
func places() (document map[string]any, sections map[string][]map[string]any) {
	b := &strict.SchemaBuilder{}
	free := map[string]any{}
	discovery := func(keys ...string) map[string]any {
		properties := map[string]any{}
		for _, key := range keys {
			properties[key] = free
		}
		return map[string]any{"items": map[string]any{"properties": properties}}
	}
	job := map[string]any{"anyOf": []any{
		b.Foreign(reflect.TypeFor[promconfig.ScrapeConfig]()),
		b.Foreign(reflect.TypeFor[commonconfig.HTTPClientConfig]()), // inlined
		map[string]any{"properties": map[string]any{
			"static_configs": discovery("targets", "labels"), "file_sd_configs": discovery("files", "refresh_interval"),
		}},
	}}
	return b.Object(Config{}), map[string][]map[string]any{
		sectionGlobal:        {b.Foreign(reflect.TypeFor[promconfig.GlobalConfig]())},
		sectionScrapeConfigs: {{"items": job}},
	}
}

// hideUnplaced keeps what stands behind a key without a place out of snippets: it may be a misspelt secret, unless the key is almost one that
// holds none. An error shows the key and where it is.
func hideUnplaced(d *strict.Decoder, root *yaml.Node) {
	hide := func(key, value *yaml.Node) {
		if strings.ContainsAny(key.Value, ":=@ ") {
			d.Hide(key) // A key and its value that are not separated read as a key.
		}
		d.HideBelow(value, key.Tag == "!!merge") // A message repeats what is merged.
	}
	document, sections := places()
	strict.Unplaced(root, true, hide, document)
	if root.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if schemas := sections[root.Content[i].Value]; schemas != nil {
			strict.Unplaced(root.Content[i+1], false, hide, schemas...)
		}
	}
}

// placed returns what reports whether a key has a place somewhere in the document.
func placed() func(key string) bool {
	var names map[string]bool // made when a text is not YAML
	return func(key string) bool {
		if names == nil {
			names = map[string]bool{strict.MergeKey: true}
			document, sections := places()
			addKeys(names, document)
			for _, schemas := range sections {
				for _, s := range schemas {
					addKeys(names, s)
				}
			}
		}
		return names[key]
	}
}

// addKeys adds the names of the properties of a schema, at any depth.
func addKeys(names map[string]bool, schema any) {
	switch s := schema.(type) {
	case map[string]any:
		if properties, ok := s["properties"].(map[string]any); ok {
			for name := range properties {
				names[name] = true
			}
		}
		for _, below := range s {
			addKeys(names, below)
		}
	case []any:
		for _, below := range s {
			addKeys(names, below)
		}
	}
}
