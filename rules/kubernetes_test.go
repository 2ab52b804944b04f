package rules_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/rules"
)

func TestParseKubernetes(t *testing.T) {
	for text, want := range map[string]rules.Kubernetes{
		"1.34": {Major: 1, Minor: 34}, "v1.34.2": {Major: 1, Minor: 34}, "1.33.5-gke.100": {Major: 1, Minor: 33}, "v1.31.2+k3s1": {Major: 1, Minor: 31},
	} {
		got, err := rules.ParseKubernetes(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "1", "v1.", "34", "one.two", "1.34 "} {
		_, err := rules.ParseKubernetes(text)
		require.ErrorContains(t, err, "write it like 1.34")
	}
}

// TestKubernetesVersions is about what older API servers do not take: it is left out, and what is lost and what works is said.
func TestKubernetesVersions(t *testing.T) {
	c := parse(t, one("replicas: {min: 1},", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {max: 20}}, {name: b, cost: 2, capacity: {concurrency: 1}, replicas: {min: 1, max: 3}}"))
	for version, want := range map[string]struct {
		tolerance   string
		least       int
		says, lacks []string
	}{
		"1.32": {"", 1, []string{"Kubernetes 1.32 has no tolerance", "changes within 10 %", "--horizontal-pod-autoscaler-tolerance=0", "minReplicas is 1: a replica of each of these stays, also where the plan says 0: a\n", "generate keda"}, nil},
		"1.34": {"0", 1, []string{"feature gate HPAConfigurableTolerance", "feature gate HPAScaleToZero"}, []string{"has no tolerance"}},
		"1.36": {"0", 1, []string{"An HPA of Kubernetes 1.36 cannot scale to zero"}, []string{"olerance only", "needs Kubernetes"}},
		"1.37": {"0", 0, []string{"An HPA wakes only what it put to zero itself", "generate start"}, []string{"Kubernetes 1.", "feature gate"}},
		"":     {"0", 0, []string{"tolerance needs Kubernetes 1.35", "minReplicas: 0 needs Kubernetes 1.37"}, []string{"feature gate"}},
	} {
		t.Run(version, func(t *testing.T) {
			var k rules.Kubernetes
			if version != "" {
				var err error
				k, err = rules.ParseKubernetes(version)
				require.NoError(t, err)
			}
			m, err := rules.HPA(c, rules.HPAOptions{Kubernetes: k})
			got := text(t, m, err)
			objects := strict[hpa](t, got)
			require.Equal(t, want.tolerance, objects[0].Spec.Behavior.ScaleUp.Tolerance)
			require.Equal(t, want.tolerance, objects[1].Spec.Behavior.ScaleDown.Tolerance)
			require.Equal(t, []int{want.least, 1}, []int{*objects[0].Spec.MinReplicas, *objects[1].Spec.MinReplicas})
			for _, text := range want.says {
				require.Contains(t, got, text)
			}
			for _, text := range want.lacks {
				require.NotContains(t, got, text)
			}
			m, err = rules.KEDA(c, rules.KEDAOptions{Trigger: rules.TriggerPrometheus, PollingInterval: time.Second, Cooldown: time.Minute, Kubernetes: k})
			keda := strict[scaledObject](t, text(t, m, err))
			require.Equal(t, want.tolerance, keda[0].Spec.Advanced.HPA.Behavior.ScaleUp.Tolerance)
			require.Zero(t, *keda[0].Spec.MinReplicaCount, "KEDA scales to zero on any version")
		})
	}
}

// TestTriggersOnly is for platforms that make the ScaledObject themselves.
func TestTriggersOnly(t *testing.T) {
	c := load(t, "fleet")
	o := rules.KEDAOptions{Trigger: rules.TriggerPrometheus, PollingInterval: 15 * time.Second, Cooldown: 5 * time.Minute}
	m, err := rules.KEDA(c, o)
	whole := strict[scaledObject](t, text(t, m, err))
	o.TriggersOnly = true
	m, err = rules.KEDA(c, o)
	got := text(t, m, err)
	type triggers struct {
		Triggers []struct {
			Type, Name     string
			MetricType     string `yaml:"metricType"`
			Metadata       map[string]string
			Authentication *struct{ Kind, Name string } `yaml:"authenticationRef"`
		}
	}
	alone := strict[triggers](t, got)
	require.Len(t, alone, len(whole))
	for i := range whole {
		require.Equal(t, whole[i].Spec.Triggers, alone[i].Triggers)
		require.Contains(t, got, whole[i].Spec.ScaleTargetRef.Kind+" "+whole[i].Metadata.Namespace+"/"+whole[i].Spec.ScaleTargetRef.Name)
	}
	require.NotContains(t, got, "kind: ScaledObject")
}

// TestMerge adds the adapter's rules to those of others.
func TestMerge(t *testing.T) {
	c := load(t, "fleet")
	merge := func(present string, o rules.AdapterOptions) (string, error) {
		m, err := rules.Adapter(c, o)
		require.NoError(t, err)
		if err := m.Merge([]byte(present), o); err != nil {
			return "", err
		}
		return text(t, m, nil), nil
	}
	type values struct {
		Replicas   int
		Prometheus map[string]any
		Rules      struct {
			Default  bool
			External []adapterRule
		}
	}
	const present = `USER-SUPPLIED VALUES:
replicas: 2 # theirs
prometheus: {url: http://theirs}
rules:
  default: false
  external:
    - {seriesQuery: 'queue{namespace!=""}', resources: {overrides: {namespace: {resource: namespace}}}, name: {matches: "", as: queue}, metricsQuery: max(queue)}
    - {seriesQuery: old, name: {matches: old, as: variant_desired_replicas}, metricsQuery: old}
`
	got, err := merge(present, rules.AdapterOptions{Format: rules.AdapterHelmValues})
	require.NoError(t, err)
	require.Contains(t, got, "# theirs")
	v := strict[values](t, got)[0]
	require.Equal(t, 2, v.Replicas)
	require.Len(t, v.Rules.External, 2)
	require.Equal(t, []string{"queue", "variant_desired_replicas"}, []string{v.Rules.External[0].Name.As, v.Rules.External[1].Name.As})
	require.NotEqual(t, "old", v.Rules.External[1].SeriesQuery, "the one from an earlier time is replaced")
	again, err := merge(got, rules.AdapterOptions{Format: rules.AdapterHelmValues})
	require.NoError(t, err)
	require.Equal(t, v, strict[values](t, again)[0], "a second time changes nothing")

	for _, empty := range []string{"", "{}", "null", "externalRules: []", "rules: []\nexternalRules:\n"} {
		got, err := merge(empty, rules.AdapterOptions{WVA: true})
		require.NoError(t, err, empty)
		require.Len(t, strict[adapterConfig](t, got)[0].ExternalRules, 2, empty)
	}
	for name, bad := range map[string]string{"a list": "- a", "no YAML": "a: [", "no list": "externalRules: {a: b}"} {
		_, err := merge(bad, rules.AdapterOptions{})
		require.ErrorContains(t, err, "the file", name)
	}
	_, err = merge("", rules.AdapterOptions{Format: rules.AdapterConfigMap})
	require.ErrorContains(t, err, "cannot be merged")
}

// TestStart is about what an HPA never does.
func TestStart(t *testing.T) {
	c := parse(t, one("", "{name: a, cost: 1, capacity: {concurrency: 1}, scale_target: {kind: LeaderWorkerSet}}, {name: b, cost: 2, capacity: {concurrency: 1}, scale_target: {kind: StatefulSet, name: x}}, "+
		"{name: off, cost: 2, capacity: {concurrency: 1}, replicas: {max: 0}}, {name: c, cost: 2, capacity: {concurrency: 1}}"))
	var b strings.Builder
	require.NoError(t, rules.Start(&b, c, "variant_exporter generate start"))
	_, calls, _ := strings.Cut(b.String(), "\n}\n")
	require.Equal(t, "start llm leaderworkersets.leaderworkerset.x-k8s.io/a\nstart llm statefulsets.apps/x\nstart llm deployments.apps/c\n", calls)
}

// TestScrapeAccess is about a ServiceMonitor for an exporter with TLS and authentication.
func TestScrapeAccess(t *testing.T) {
	o := rules.MonitorOptions{Name: "x", Namespace: "monitoring", Port: "http", Interval: 15 * time.Second, Timeout: 10 * time.Second}
	of := func(a rules.ScrapeAccess) (string, error) {
		o.Access = a
		m, err := rules.ServiceMonitor(o)
		if err != nil {
			return "", err
		}
		return text(t, m, nil), nil
	}
	got, err := of(rules.ScrapeAccess{TLS: true, CA: "exporter-tls", ServerName: "variant-exporter.monitoring.svc", BasicAuth: "scrape"})
	require.NoError(t, err)
	for _, want := range []string{
		"scheme: https", "secret:\n            name: exporter-tls\n            key: ca.crt", "serverName: variant-exporter.monitoring.svc",
		"username:\n          name: scrape\n          key: username", "password:\n          name: scrape\n          key: password",
	} {
		require.Contains(t, got, want)
	}
	got, err = of(rules.ScrapeAccess{TLS: true, Insecure: true, Bearer: "token/value"})
	require.NoError(t, err)
	require.Contains(t, got, "insecureSkipVerify: true")
	require.Contains(t, got, "credentials:\n          name: token\n          key: value")
	_, err = of(rules.ScrapeAccess{CA: "exporter-tls"})
	require.ErrorContains(t, err, "--scheme=https")
	_, err = of(rules.ScrapeAccess{BasicAuth: "a", Bearer: "b"})
	require.ErrorContains(t, err, "give one of them")
}
