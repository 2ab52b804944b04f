package config

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// isWord reports whether a text is one word of letters. PromQL takes it for a metric of that name, of which hardly any has one.
func isWord(text string) bool {
	return strings.Trim(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz") == "" && text != ""
}

// settings are words that people write for a setting, and that no metric is called.
func settings() []string {
	return []string{
		autoHeadroom, "automatic", "default", "disabled", "enabled", "false", "infinite", "infinity", "max", "maximum", "min", "minimum", "never", "no", "none", "null", "off",
		"on", "true", "unlimited", "yes",
	}
}

// refuseWord reports a word in the place of a number or an expression: one of those that may stand there, misspelt, or a setting that does
// not exist. It would be asked for as a metric, which has no series.
func refuseWord(d *strict.Decoder, path string, n *yaml.Node, allowed ...string) bool {
	text := strings.TrimSpace(n.Value)
	if n.Kind == yaml.ScalarNode && strings.Contains(text, ",") && strings.Trim(text, "0123456789.,") == "" {
		d.Errorf(path, n, "%s is neither a number nor a PromQL expression", text).Hint("write a number such as 6.9: with a point, and nothing between thousands")
		return true
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" || !isWord(text) {
		return false
	}
	near := strict.Closest(strings.ToLower(text), allowed)
	if near == "" && !slices.Contains(settings(), strings.ToLower(text)) {
		return false
	}
	r := d.Errorf(path, n, "%s is neither a number nor a PromQL expression", text)
	if near != "" {
		r.Hint("did you mean %s? A metric of this name is written %s{}", near, text)
	} else {
		r.Hint("write a number, or an expression; a metric of this name is written %s{}", text)
	}
	return true
}
