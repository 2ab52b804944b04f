package charttest

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

const chartFolder = "../chart"

// configuration is what users give with --set-file.
const configuration = `prometheus: {url: "http://prometheus:9090"} # a comment of theirs
models:
  - name: m
    namespace: llm
    presets: [vllm]
    variants: [{name: a, cost: 4.10, capacity: {concurrency: 96, generation_tokens: 2600}}]
`

// object is a manifest as plain values.
type object map[string]any

func (o object) at(path ...string) any {
	var v any = map[string]any(o)
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// render makes the manifests as helm install does.
func render(t *testing.T, values map[string]any) (map[string]object, error) {
	t.Helper()
	files, err := Render(chartFolder, "planner", "monitoring", values)
	if err != nil {
		return nil, err
	}
	objects := map[string]object{}
	for name, text := range files {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		for part := range strings.SplitSeq(text, "\n---") {
			var o object
			require.NoError(t, yaml.UnmarshalStrict([]byte(part), &o), "%s: %s", name, part)
			if len(o) == 0 {
				continue
			}
			require.Equal(t, "monitoring", o.at("metadata", "namespace"), name)
			objects[o.at("kind").(string)+"/"+o.at("metadata", "name").(string)] = o
		}
	}
	return objects, nil
}

func rendered(t *testing.T, values map[string]any) map[string]object {
	t.Helper()
	objects, err := render(t, values)
	require.NoError(t, err)
	return objects
}

func kinds(objects map[string]object) []string {
	var all []string
	for key := range objects {
		all = append(all, strings.SplitN(key, "/", 2)[0])
	}
	return slices.Sorted(slices.Values(all))
}

const named = "planner-variant-exporter"

func TestLint(t *testing.T) {
	for name, values := range map[string]map[string]any{"little": {"config": configuration}, "all": everything()} {
		t.Run(name, func(t *testing.T) {
			linter := lint.All(chartFolder, values, "monitoring", true)
			for _, m := range linter.Messages {
				require.Less(t, m.Severity, support.WarningSev, "%s", m)
			}
		})
	}
}

func everything() map[string]any {
	return map[string]any{
		"config": configuration, "replicas": 2, "image": map[string]any{"digest": "sha256:" + strings.Repeat("a", 64)},
		"web": map[string]any{"existingSecret": "exporter-web"}, "extraArgs": []any{"--web.enable-lifecycle"},
		"serviceMonitor": map[string]any{
			"enabled": true, "labels": map[string]any{"release": "kps"}, "scheme": "https",
			"tlsConfig": map[string]any{"serverName": "x"}, "basicAuth": map[string]any{"username": map[string]any{"name": "scrape", "key": "username"}},
		},
		"prometheusRule": map[string]any{"enabled": true, "labels": map[string]any{"release": "kps"}},
		"dashboards":     map[string]any{"enabled": true, "annotations": map[string]any{"grafana_folder": "LLM"}},
		"networkPolicy":  map[string]any{"enabled": true, "extraIngress": []any{map[string]any{"from": []any{}}}},
		"nodeSelector":   map[string]any{"kubernetes.io/os": "linux"}, "priorityClassName": "high",
	}
}

// TestLittle is an installation with nothing but a configuration.
func TestLittle(t *testing.T) {
	objects := rendered(t, map[string]any{"config": configuration})
	require.Equal(t, []string{"ConfigMap", "Deployment", "Service"}, kinds(objects))
	require.Equal(t, configuration, objects["ConfigMap/"+named].at("data", "variant_exporter.yml"), "as it was given, with its comments")
	deployment := objects["Deployment/"+named]
	pod := deployment.at("spec", "template", "spec").(map[string]any)
	require.Equal(t, false, pod["automountServiceAccountToken"])
	container := object(pod["containers"].([]any)[0].(map[string]any))
	require.Equal(t, "registry.example/variant-exporter:0.1.0", container.at("image"))
	for _, probe := range []string{"readinessProbe", "livenessProbe"} {
		require.Equal(t, "health", container.at(probe, "httpGet", "port"), "a port without TLS and passwords")
	}
	require.Equal(t, true, container.at("securityContext", "readOnlyRootFilesystem"))
	require.NotContains(t, container.at("args"), "--web.config.file=/etc/variant_exporter_web/web.yml")
	require.Equal(t, objects["Service/"+named].at("spec", "selector"), deployment.at("spec", "selector", "matchLabels"))
	other := rendered(t, map[string]any{"config": configuration + "max_age: 2m\n"})
	require.NotEqual(t, deployment.at("spec", "template", "metadata", "annotations"), other["Deployment/"+named].at("spec", "template", "metadata", "annotations"),
		"another configuration rolls the pods")
}

// TestAll is an installation with all that there is.
func TestAll(t *testing.T) {
	objects := rendered(t, everything())
	require.Equal(t, []string{
		"ConfigMap", "ConfigMap", "ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "PrometheusRule", "Service", "ServiceMonitor",
	}, kinds(objects))
	pod := objects["Deployment/"+named].at("spec", "template", "spec").(map[string]any)
	container := object(pod["containers"].([]any)[0].(map[string]any))
	require.Equal(t, "registry.example/variant-exporter@sha256:"+strings.Repeat("a", 64), container.at("image"))
	require.Subset(t, container.at("args"), []any{"--web.config.file=/etc/variant_exporter_web/web.yml", "--web.enable-lifecycle"})
	require.Equal(t, "health", container.at("readinessProbe", "httpGet", "port"))
	require.Equal(t, "exporter-web", object(pod["volumes"].([]any)[1].(map[string]any)).at("secret", "secretName"))
	monitor := objects["ServiceMonitor/"+named]
	require.Equal(t, "kps", monitor.at("metadata", "labels", "release"))
	endpoint := monitor.at("spec", "endpoints").([]any)[0].(map[string]any)
	require.Equal(t, "https", endpoint["scheme"])
	require.Contains(t, endpoint, "tlsConfig")
	require.Contains(t, endpoint, "basicAuth")
	require.Equal(t, objects["Service/"+named].at("spec", "selector"), monitor.at("spec", "selector", "matchLabels"))
	groups := objects["PrometheusRule/"+named].at("spec", "groups").([]any)
	require.Equal(t, "variant_exporter_alerts", groups[len(groups)-1].(map[string]any)["name"])
	dashboard := objects["ConfigMap/"+named+"-operators"]
	require.Equal(t, "1", dashboard.at("metadata", "labels", "grafana_dashboard"))
	require.Contains(t, dashboard.at("data", "variant-exporter-operators.json"), `"title"`)
	policy := objects["NetworkPolicy/"+named]
	require.Equal(t, objects["Service/"+named].at("spec", "selector"), policy.at("spec", "podSelector", "matchLabels"))
	require.Len(t, policy.at("spec", "ingress"), 2)
}

// TestTyped decodes what is rendered into Kubernetes' own types, strictly: a field that stands where it does not belong is an error.
func TestTyped(t *testing.T) {
	for key, o := range rendered(t, everything()) {
		kind, _, _ := strings.Cut(key, "/")
		typed := map[string]any{
			"ConfigMap": &corev1.ConfigMap{}, "Deployment": &appsv1.Deployment{}, "Service": &corev1.Service{},
			"NetworkPolicy": &networkingv1.NetworkPolicy{}, "PodDisruptionBudget": &policyv1.PodDisruptionBudget{},
		}[kind]
		if typed == nil {
			require.Contains(t, []string{"ServiceMonitor", "PrometheusRule"}, kind, "the operator's, which Kubernetes has no types of")
			continue
		}
		text, err := yaml.Marshal(o)
		require.NoError(t, err)
		require.NoError(t, yaml.UnmarshalStrict(text, typed), key)
	}
}

// TestConfigurations are the ways to give one.
func TestConfigurations(t *testing.T) {
	asValues := map[string]any{"models": []any{map[string]any{"name": "m"}}}
	objects := rendered(t, map[string]any{"config": asValues, "prometheus": map[string]any{"url": "http://elsewhere:9090"}})
	require.Equal(t, "models:\n- name: m\nprometheus:\n  url: http://elsewhere:9090\n", objects["ConfigMap/"+named].at("data", "variant_exporter.yml"))
	own := maps.Clone(asValues)
	own["prometheus"] = map[string]any{"url": "http://own:9090"}
	require.Contains(t, rendered(t, map[string]any{"config": own})["ConfigMap/"+named].at("data", "variant_exporter.yml"), "http://own:9090")

	objects = rendered(t, map[string]any{"existingConfigMap": "theirs"})
	require.Equal(t, []string{"Deployment", "Service"}, kinds(objects))
	volume := objects["Deployment/"+named].at("spec", "template", "spec", "volumes").([]any)[0].(map[string]any)
	require.Equal(t, "theirs", object(volume).at("configMap", "name"))

	groups := []any{map[string]any{"name": "mine"}}
	objects = rendered(t, map[string]any{"config": configuration, "prometheusRule": map[string]any{"enabled": true, "groups": groups}})
	require.Equal(t, groups, objects["PrometheusRule/"+named].at("spec", "groups"))
}

// TestRefused are values that make no sense.
func TestRefused(t *testing.T) {
	for name, test := range map[string]struct {
		values map[string]any
		want   string
	}{
		"no configuration":  {map[string]any{}, "--set-file config=variant_exporter.yml"},
		"two":               {map[string]any{"config": configuration, "existingConfigMap": "theirs"}, "keep one"},
		"a misspelt value":  {map[string]any{"config": configuration, "replica": 2}, "replica"},
		"a value of a kind": {map[string]any{"config": configuration, "serviceMonitor": map[string]any{"enabled": "yes"}}, "enabled"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(t, test.values)
			require.ErrorContains(t, err, test.want)
		})
	}
}

// TestDocumented holds the chart's files to what is documented: no value without a comment's section or a place in the templates.
func TestDocumented(t *testing.T) {
	c, err := loader.Load(chartFolder)
	require.NoError(t, err)
	var all strings.Builder
	for _, file := range c.Templates {
		all.Write(file.Data)
	}
	for key := range c.Values {
		require.Contains(t, all.String(), ".Values."+key, "a value that does nothing")
	}
	require.FileExists(t, filepath.Join(chartFolder, "values.schema.json"))
}
