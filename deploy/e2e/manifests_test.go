package e2e_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// manifests lets the API server look at everything that is generated, and at everything that is there to be applied.
func (c *chain) manifests(t *testing.T) {
	must(t, c.DefineKEDA(t.Context()))
	must(t, c.DefinePrometheusOperator(t.Context()))
	for _, m := range []struct {
		kind  string
		flags []string
	}{
		{"rules", []string{"--format=prometheusrule"}},
		{"adapter", []string{"--format=configmap"}},
		{"hpa", nil},
		{"keda", nil},
		{"keda", []string{"--trigger=metrics-api"}},
		{"servicemonitor", nil},
		{"podmonitor", nil},
	} {
		command := strings.Join(append([]string{"generate", m.kind}, m.flags...), " ")
		t.Run(command, func(t *testing.T) { must(t, c.Validate(t.Context(), c.generate(t, m.kind, m.flags...))) })
	}
	for _, folder := range kustomizations(t) {
		t.Run(filepath.Join("deploy", folder), func(t *testing.T) {
			resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join("..", folder))
			must(t, err)
			manifest, err := resources.AsYaml()
			must(t, err)
			must(t, c.Validate(t.Context(), manifest))
		})
	}
	t.Run("deploy/chart", func(t *testing.T) {
		must(t, c.Validate(t.Context(), c.chart(t, everyValue)))
		must(t, c.Delete(t.Context(), c.install(t, everyValue)))
	})
	t.Run("others are refused", func(t *testing.T) {
		broken := bytes.ReplaceAll(c.generate(t, "hpa"), []byte("tolerance:"), []byte("forgiveness:"))
		if err := c.Validate(t.Context(), broken); err == nil || !strings.Contains(err.Error(), "forgiveness") {
			t.Errorf("a field that does not exist is not refused: %v", err)
		}
	})
}

// kustomizations are the folders of deploy/ that somebody may apply.
func kustomizations(t *testing.T) []string {
	t.Helper()
	var folders []string
	deploy := os.DirFS("..")
	for _, pattern := range []string{"kustomize/overlays/*/kustomization.yaml", "examples/*/kustomization.yaml"} {
		files, err := fs.Glob(deploy, pattern)
		must(t, err)
		for _, file := range files {
			folders = append(folders, filepath.Dir(file))
		}
	}
	if len(folders) == 0 {
		t.Error("deploy/ has nothing to apply")
	}
	return folders
}
