package server

import (
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// regularWeb says why the web configuration, or a file that it names, cannot be read as a whole. exporter-toolkit would wait for a pipe.
func regularWeb(name string) error {
	if name == "" {
		return nil
	}
	if err := config.Regular(name); err != nil {
		return err //nolint:wrapcheck // It names the file.
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	var web struct {
		TLS struct {
			Cert     string `yaml:"cert_file"`
			Key      string `yaml:"key_file"`
			ClientCA string `yaml:"client_ca_file"`
		} `yaml:"tls_server_config"`
	}
	if yaml.Unmarshal(text, &web) != nil {
		return nil //nolint:nilerr // exporter-toolkit says what is wrong with it.
	}
	for _, file := range []string{web.TLS.Cert, web.TLS.Key, web.TLS.ClientCA} {
		if file == "" {
			continue
		}
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(name), file)
		}
		if err := config.Regular(file); err != nil {
			return err //nolint:wrapcheck // It names the file.
		}
	}
	return nil
}
