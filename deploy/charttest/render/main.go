// Command render prints the manifests of a chart, as helm template does, for the tests of deploy/e2e.
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/variant-exporter/variant-exporter/deploy/charttest"
)

func main() {
	folder := flag.String("chart", "../chart", "folder of the chart")
	release := flag.String("release", "variant-exporter", "name of the release")
	namespace := flag.String("namespace", "monitoring", "namespace of the release")
	config := flag.String("config", "", "file for the value config, as --set-file of Helm")
	flag.Parse()
	if err := render(os.Stdin, os.Stdout, *folder, *release, *namespace, *config); err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

// render reads values as YAML.
func render(in io.Reader, out io.Writer, folder, release, namespace, config string) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read values: %w", err)
	}
	values := map[string]any{}
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		return fmt.Errorf("read values: %w", err)
	}
	if config != "" {
		given, err := os.ReadFile(config)
		if err != nil {
			return fmt.Errorf("read the configuration: %w", err)
		}
		values["config"] = string(given)
	}
	files, err := charttest.Render(folder, release, namespace, values)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, ".yaml") && strings.TrimSpace(files[name]) != "" {
			if _, err := fmt.Fprintf(out, "---\n# %s\n%s\n", name, strings.TrimPrefix(strings.TrimSpace(files[name]), "---\n")); err != nil {
				return fmt.Errorf("write manifests: %w", err)
			}
		}
	}
	return nil
}
