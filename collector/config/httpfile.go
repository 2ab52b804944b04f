package config

import (
	"path/filepath"

	commonconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// LoadHTTPConfigFile reads the settings of an HTTP client from a file or pipe that the command line names. They have the form of
// http_config, and the names of files in them are relative to its folder. It returns the text too. Errors show no value that may be a
// secret.
func LoadHTTPConfigFile(name string) (*commonconfig.HTTPClientConfig, []byte, error) {
	text, err := readFileOrPipe(name, pipeTime)
	if err != nil {
		return nil, nil, err
	}
	d := strict.NewDecoder(name, string(text), strict.Options{Empty: httpHint, Secret: soundsSecret, Known: placed()})
	settings := HTTPConfig{commonconfig.DefaultHTTPClientConfig}
	if root := d.Parse(); root != nil {
		hideClient(d, root)
		settings.DecodeYAML(d, "", root)
	}
	if found := d.Remarks(); !found.HasErrors() {
		v := &validator{Decoder: d}
		settings.SetDirectory(filepath.Dir(name))
		v.httpClient("", &settings.HTTPClientConfig)
		v.clientFiles("", &settings.HTTPClientConfig)
	}
	if err := d.Remarks().Err(); err != nil {
		return nil, nil, err //nolint:wrapcheck // It names the file.
	}
	return &settings.HTTPClientConfig, text, nil
}

// hideClient keeps the values of an HTTP client's settings out of snippets.
func hideClient(d *strict.Decoder, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		d.HideBelow(n, false)
		return
	}
	for i := 1; i < len(n.Content); i += 2 {
		hideClient(d, n.Content[i])
	}
}
