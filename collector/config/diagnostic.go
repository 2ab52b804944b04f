package config

import "github.com/variant-exporter/variant-exporter/collector/config/strict"

// Remarks about a configuration are those of any document that is read strictly. They have their names here too: to read a
// configuration takes one package.
type (
	Diagnostic   = strict.Diagnostic   // one remark
	Diagnostics  = strict.Diagnostics  // the remarks about one file
	InvalidError = strict.InvalidError // why a configuration cannot be used
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
	if c.origin == nil {
		return Diagnostic{Path: path, Severity: SeverityError, Message: message, Hint: hint}
	}
	return c.origin.DiagnosticAt(path, message, hint)
}

// Schema returns the JSON Schema of the configuration file.
func Schema() ([]byte, error) { return strict.Schema("variant_exporter configuration", Config{}) }
