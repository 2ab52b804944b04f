package config

import (
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// Load returns the remarks of package strict. They have names here too: a reader of configurations needs one package only.
type (
	// Diagnostic is one remark about a configuration.
	Diagnostic = strict.Diagnostic
	// Diagnostics are the remarks about one file.
	Diagnostics = strict.Diagnostics
	// InvalidError says why a configuration cannot be used.
	InvalidError = strict.InvalidError
)

// The severities of a Diagnostic.
const (
	SeverityError   = strict.SeverityError
	SeverityWarning = strict.SeverityWarning
)

// ErrorAt makes an error about a place in the configuration's file, for checks that only some uses of a configuration need. The path
// is like that of every Diagnostic, such as models[0].variants[1].replicas.max. A path that is not in the file is reported at its
// closest ancestor.
func (c *Config) ErrorAt(path, message, hint string) Diagnostic {
	d, root := c.origin.decoder()
	if root == nil {
		return Diagnostic{Path: path, Severity: SeverityError, Message: message, Hint: hint}
	}
	d.Decode("", root, &Config{})
	return d.DiagnosticAt(path, message, hint)
}

// origin is the file that a configuration was read from. It is read again where a place in it is asked for: what a YAML parser knows
// of a large file takes more memory than the configuration.
type origin struct{ name, text string }

// decoder parses the file. The root is nil where there is none, or where it is not YAML.
func (o *origin) decoder() (d *strict.Decoder, root *yaml.Node) {
	if o == nil {
		return nil, nil
	}
	d = strict.NewDecoder(o.name, o.text, strict.Options{Empty: "set at least prometheus.url and one model", Secret: soundsSecret, Known: placed()})
	if root = d.Parse(); root != nil {
		hideSecrets(d, root)
		hideUnplaced(d, root)
		d.Define(rateWindowName, rateWindowIn(root).String())
	}
	return d, root
}

// Schema returns the JSON Schema of the configuration file.
func Schema() ([]byte, error) { return strict.Schema("variant_exporter configuration", Config{}) }
