package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// promqlErrors reports what the PromQL parser found, at its place inside the scalar.
func promqlErrors(d *strict.Decoder, path string, n *yaml.Node, err error) {
	list, ok := err.(parser.ParseErrors) //nolint:errorlint // The parser returns this type itself, unwrapped.
	if !ok || len(list) == 0 {
		d.Errorf(path, n, "not PromQL: %v", err)
		return
	}
	for _, e := range list {
		start := min(max(int(e.PositionRange.Start), 0), len(n.Value))
		end := min(max(int(e.PositionRange.End), start), len(n.Value))
		message := e.Err.Error()
		r := d.Within(path, n, start, max(1, utf8.RuneCountInString(n.Value[start:end])), "not PromQL: "+strict.Shorten(message))
		r.Hint("%s", promqlHint(message, n.Value[start:end]))
	}
}

// promqlHint says what would be right: the closest function name where an unknown one was called, else what is expected.
func promqlHint(message, text string) string {
	if word, _, _ := strings.Cut(text, "("); strings.HasPrefix(message, "unknown function") {
		if near := strict.Closest(strings.TrimSpace(word), slices.Collect(maps.Keys(parser.Functions))); near != "" {
			return fmt.Sprintf("did you mean %q?", near)
		}
	}
	return "try the expression in Prometheus' expression browser"
}
