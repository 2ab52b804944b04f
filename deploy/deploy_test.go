package deploy_test

import (
	"bytes"
	"debug/elf"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/variant-exporter/variant-exporter/internal/long"
)

var update = flag.Bool("update", false, "write the generated files")

// generated are the files that the exporter makes from the configuration beside them, and how.
func generated() map[string][]string {
	files := map[string][]string{
		"kustomize/overlays/kube-prometheus-stack/servicemonitor.yaml": {"servicemonitor", "--label=release=kube-prometheus-stack"},
		"kustomize/overlays/kube-prometheus-stack/rules.yaml":          {"rules", "--format=prometheusrule", "--label=release=kube-prometheus-stack"},
		"chart/files/rules.yaml":                                       {"rules", "--config.file=../../kustomize/overlays/minimal/variant_exporter.yml"},
	}
	for example, autoscaler := range map[string]string{"three-variants": "keda", "prefill-decode": "hpa", "shared-budget": "keda"} {
		folder := "examples/" + example
		files[folder+"/autoscalers.yaml"] = []string{autoscaler}
		files[folder+"/podmonitors.yaml"] = []string{"podmonitor", "--label=release=kube-prometheus-stack"}
		if autoscaler == "hpa" {
			files[folder+"/adapter-values.yaml"] = []string{"adapter", "--format=helm-values"}
		}
		files[folder+"/rules.yaml"] = files["kustomize/overlays/kube-prometheus-stack/rules.yaml"]
	}
	return files
}

// TestProgram builds the program once, as the Dockerfile does, and tests the files of this folder with it.
func TestProgram(t *testing.T) {
	long.Test(t)
	binary := filepath.Join(t.TempDir(), "variant_exporter")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Run("generated", func(t *testing.T) { testGenerated(t, binary) })
	t.Run("static", func(t *testing.T) { testStatic(t, binary) })
	t.Run("arguments", func(t *testing.T) { testArguments(t, binary) })
}

// testGenerated compares the generated files with what the program makes of their configurations.
func testGenerated(t *testing.T, binary string) {
	for file, arguments := range generated() {
		folder := filepath.Dir(file)
		cmd := exec.CommandContext(t.Context(), binary, append([]string{"generate"}, arguments...)...)
		cmd.Dir = folder
		named := slices.ContainsFunc(arguments, func(a string) bool { return strings.HasPrefix(a, "--config.file=") })
		if _, err := os.Stat(filepath.Join(folder, "variant_exporter.yml")); err != nil && !named {
			cmd.Args = append(cmd.Args, "--config.file=../minimal/variant_exporter.yml")
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		got, err := cmd.Output()
		require.NoError(t, err, "%s: %s", file, stderr.String())
		if *update {
			require.NoError(t, os.WriteFile(file, got, 0o644))
			continue
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), "%s: run make generate", file)
	}
}

// TestChartDashboards holds the dashboards of the chart to their originals: a chart can have files of its own folder only.
func TestChartDashboards(t *testing.T) {
	for _, name := range []string{"exporter.json", "operators.json"} {
		want, err := os.ReadFile(filepath.Join("..", "grafana", name))
		require.NoError(t, err)
		file := filepath.Join("chart", "dashboards", name)
		if *update {
			require.NoError(t, os.WriteFile(file, want, 0o644))
		}
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "%s: run make generate", file)
	}
}

// object is what the tests look at of a manifest.
type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name, Namespace string }
	Data       map[string]string
	Spec       yaml.Node
}

func build(t *testing.T, folder string) []object {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	require.NoError(t, err)
	text, err := resources.AsYaml()
	require.NoError(t, err)
	var all []object
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o object
		if decoder.Decode(&o) != nil {
			return all
		}
		all = append(all, o)
	}
}

func kinds(objects []object) map[string]int {
	count := map[string]int{}
	for _, o := range objects {
		count[o.Kind]++
	}
	return count
}

// TestKustomize builds every overlay and example as kubectl apply -k would.
func TestKustomize(t *testing.T) {
	minimal := map[string]int{"ConfigMap": 1, "Deployment": 1, "NetworkPolicy": 1, "Service": 1}
	with := func(more map[string]int) map[string]int {
		all := map[string]int{}
		for _, part := range []map[string]int{minimal, more} {
			for kind, n := range part {
				all[kind] += n
			}
		}
		return all
	}
	operator := map[string]int{"PodDisruptionBudget": 1, "PrometheusRule": 1, "ServiceMonitor": 1}
	for folder, want := range map[string]map[string]int{
		"kustomize/overlays/minimal":               minimal,
		"kustomize/overlays/ha":                    with(map[string]int{"PodDisruptionBudget": 1}),
		"kustomize/overlays/kube-prometheus-stack": with(operator),
	} {
		t.Run(folder, func(t *testing.T) {
			objects := build(t, folder)
			require.Equal(t, want, kinds(objects))
			for _, o := range objects {
				require.Equal(t, "monitoring", o.Metadata.Namespace, "%s %s", o.Kind, o.Metadata.Name)
			}
		})
	}
	for example, autoscalers := range map[string]map[string]int{
		"three-variants": {"ScaledObject": 3, "PodMonitor": 1},
		"prefill-decode": {"HorizontalPodAutoscaler": 2, "PodMonitor": 1},
		"shared-budget":  {"ScaledObject": 3, "PodMonitor": 2},
	} {
		t.Run(example, func(t *testing.T) {
			objects := build(t, "examples/"+example)
			want := with(operator)
			for kind, n := range autoscalers {
				want[kind] += n
			}
			require.Equal(t, want, kinds(objects))
			own, err := os.ReadFile(filepath.Join("examples", example, "variant_exporter.yml"))
			require.NoError(t, err)
			require.Equal(t, string(own), configOf(t, objects), "the pods get the example's configuration")
			require.Equal(t, ruleOf(t, filepath.Join("examples", example, "rules.yaml")), spec(t, objects, "PrometheusRule"), "the rules are the example's")
		})
	}
}

// TestKustomizeRemote builds an overlay of somebody else's, which names one of this repository by its URL: here that of the checkout.
func TestKustomizeRemote(t *testing.T) {
	if testing.Short() {
		t.Skip("it clones the repository")
	}
	root, err := exec.CommandContext(t.Context(), "git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		t.Skip("not a checkout of git: ", err)
	}
	folder := t.TempDir()
	for file, text := range map[string]string{
		"kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n" +
			"resources: ['file://" + strings.TrimSpace(string(root)) + "//deploy/kustomize/overlays/kube-prometheus-stack?ref=HEAD']\n" +
			"configMapGenerator:\n  - {name: variant-exporter, namespace: monitoring, behavior: merge, files: [variant_exporter.yml]}\n",
		"variant_exporter.yml": "models: []\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600))
	}
	objects := build(t, folder)
	require.Equal(t, "models: []\n", configOf(t, objects), "the configuration is theirs")
	require.Equal(t, 1, kinds(objects)["ServiceMonitor"])
}

// spec is the specification of the only object of a kind, as plain values.
func spec(t *testing.T, objects []object, kind string) (values any) {
	t.Helper()
	for _, o := range objects {
		if o.Kind == kind {
			require.NoError(t, o.Spec.Decode(&values))
			return values
		}
	}
	t.Fatal("there is no " + kind)
	return nil
}

func ruleOf(t *testing.T, file string) any {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var o object
	require.NoError(t, yaml.Unmarshal(text, &o))
	return spec(t, []object{o}, "PrometheusRule")
}

func configOf(t *testing.T, objects []object) string {
	t.Helper()
	for _, o := range objects {
		if o.Kind == "ConfigMap" {
			return o.Data["variant_exporter.yml"]
		}
	}
	t.Fatal("there is no ConfigMap")
	return ""
}

// TestHardened holds the pods to the restricted profile of the Pod Security Standards, and to having no token.
func TestHardened(t *testing.T) {
	for _, o := range build(t, "kustomize/overlays/kube-prometheus-stack") {
		if o.Kind == "NetworkPolicy" {
			var policy struct {
				PodSelector struct {
					MatchLabels map[string]string `yaml:"matchLabels"`
				} `yaml:"podSelector"`
				PolicyTypes []string `yaml:"policyTypes"`
			}
			require.NoError(t, o.Spec.Decode(&policy))
			require.NotEmpty(t, policy.PodSelector.MatchLabels, "an empty selector would cut off everybody in the namespace")
			require.ElementsMatch(t, []string{"Ingress", "Egress"}, policy.PolicyTypes)
		}
		if o.Kind != "Deployment" {
			continue
		}
		var spec struct {
			Template struct {
				Spec struct {
					Token    *bool `yaml:"automountServiceAccountToken"`
					Security struct {
						NonRoot bool                  `yaml:"runAsNonRoot"`
						User    int                   `yaml:"runAsUser"`
						Seccomp struct{ Type string } `yaml:"seccompProfile"`
					} `yaml:"securityContext"`
					Containers []struct {
						Security struct {
							Escalation   *bool `yaml:"allowPrivilegeEscalation"`
							ReadOnly     bool  `yaml:"readOnlyRootFilesystem"`
							Capabilities struct{ Drop []string }
						} `yaml:"securityContext"`
						Readiness *yaml.Node `yaml:"readinessProbe"`
						Liveness  *yaml.Node `yaml:"livenessProbe"`
						Resources struct{ Limits map[string]string }
					}
				}
			}
		}
		require.NoError(t, o.Spec.Decode(&spec))
		pod := spec.Template.Spec
		require.NotNil(t, pod.Token)
		require.False(t, *pod.Token)
		require.True(t, pod.Security.NonRoot)
		require.Positive(t, pod.Security.User)
		require.Equal(t, "RuntimeDefault", pod.Security.Seccomp.Type)
		require.Len(t, pod.Containers, 1)
		c := pod.Containers[0]
		require.NotNil(t, c.Security.Escalation)
		require.False(t, *c.Security.Escalation)
		require.True(t, c.Security.ReadOnly)
		require.Equal(t, []string{"ALL"}, c.Security.Capabilities.Drop)
		require.NotNil(t, c.Readiness)
		require.NotNil(t, c.Liveness)
		require.NotEmpty(t, c.Resources.Limits["memory"])
	}
}

// testStatic requires that the program needs no libraries: its image holds nothing else.
func testStatic(t *testing.T, binary string) {
	file, err := elf.Open(binary)
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	libraries, err := file.ImportedLibraries()
	require.NoError(t, err)
	require.Empty(t, libraries)
	for _, p := range file.Progs {
		require.NotEqual(t, elf.PT_INTERP, p.Type, "it needs a loader")
	}
}

// testArguments gives the program the arguments of the pods, the image and the unit: it must know them all, and serve beyond loopback
// where it runs in a container.
func testArguments(t *testing.T, binary string) {
	for file, contained := range map[string]bool{
		"kustomize/base/deployment.yaml": true, "chart/templates/deployment.yaml": true, "Dockerfile": true, "systemd/variant_exporter.service": false,
	} {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			var flags []string
			for _, line := range regexp.MustCompile(`(?m)^(CMD|ExecStart=| +- --).*$`).FindAllString(string(text), -1) {
				flags = append(flags, regexp.MustCompile(`--[a-z.-]+=[^\s",\]{]+`).FindAllString(line, -1)...) // without those that a template fills in
			}
			require.NotEmpty(t, flags)
			require.Equal(t, contained, slices.Contains(flags, "--web.listen-address=:18270"))
			// Help is given once all other arguments are understood.
			out, err := exec.CommandContext(t.Context(), binary, append(append([]string{"serve"}, flags...), "--help")...).CombinedOutput()
			require.NoError(t, err, "%s", out)
		})
	}
}
