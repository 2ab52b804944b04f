package rules_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/rules"
)

// requireFollows holds what follows the gauge to the traps: a change of one must count at any size, at once and all the way.
func requireFollows(t require.TestingT, b hpaBehavior, most int) {
	for _, r := range []hpaRules{b.ScaleUp, b.ScaleDown} {
		require.Equal(t, "0", r.Tolerance, "by default a change within 10 % is ignored")
		require.NotNil(t, r.StabilizationWindowSeconds, "the default for scaling down is 300")
		require.Zero(t, *r.StabilizationWindowSeconds)
		require.Len(t, r.Policies, 1)
		require.Equal(t, 15, r.Policies[0].PeriodSeconds)
	}
	require.Equal(t, "Pods", b.ScaleUp.Policies[0].Type)
	require.Equal(t, most, b.ScaleUp.Policies[0].Value, "by default replicas are at most doubled in 15 s")
	require.Equal(t, "Percent", b.ScaleDown.Policies[0].Type)
	require.Equal(t, 100, b.ScaleDown.Policies[0].Value)
}

func requireTarget(t require.TestingT, ref targetRef, x *config.Variant) {
	version := map[config.TargetKind]string{
		config.KindDeployment: "apps/v1", config.KindStatefulSet: "apps/v1", config.KindLeaderWorkerSet: "leaderworkerset.x-k8s.io/v1",
	}[x.ScaleTarget.Kind]
	require.Equal(t, targetRef{version, string(x.ScaleTarget.Kind), x.ScaleTarget.Name}, ref)
}

// requireHPAs holds HPAs to the configuration that they were made from.
func requireHPAs(t require.TestingT, c *config.Config, text string) {
	all := strict[hpa](t, text)
	next, names := 0, map[string]bool{}
	for i := range c.Models {
		for j := range c.Models[i].Variants {
			x, h := &c.Models[i].Variants[j], all[next]
			next++
			require.Equal(t, "autoscaling/v2 HorizontalPodAutoscaler", h.APIVersion+" "+h.Kind)
			require.Equal(t, c.Models[i].Namespace, h.Metadata.Namespace)
			requireTarget(t, h.Spec.ScaleTargetRef, x)
			require.False(t, names[h.Metadata.Namespace+"/"+h.Metadata.Name], "two objects of one name")
			names[h.Metadata.Namespace+"/"+h.Metadata.Name] = true
			require.Len(t, h.Spec.Metrics, 1)
			m := h.Spec.Metrics[0]
			require.Equal(t, "External", m.Type)
			require.Equal(t, strings.ToLower(m.External.Metric.Name), m.External.Metric.Name, "it is asked for in lower case")
			require.Equal(t, "variant_desired_replicas", m.External.Metric.Name)
			require.Equal(t, map[string]string{"variant": x.Name}, m.External.Metric.Selector.MatchLabels, "the namespace is added by the adapter")
			require.Equal(t, "AverageValue", m.External.Target.Type, "Value multiplies by the replicas")
			require.Equal(t, "1", m.External.Target.AverageValue)
			require.NotNil(t, h.Spec.MinReplicas, "the default is 1")
			requireBounds(t, x, *h.Spec.MinReplicas, h.Spec.MaxReplicas)
			requireFollows(t, h.Spec.Behavior, h.Spec.MaxReplicas)
		}
	}
	require.Len(t, all, next)
}

// requireBounds holds bounds to what can be asked for.
func requireBounds(t require.TestingT, x *config.Variant, least, most int) {
	require.GreaterOrEqual(t, least, x.Replicas.Min.Least())
	require.LessOrEqual(t, least, most)
	require.Positive(t, most)
	if x.Replicas.Max != nil {
		require.Equal(t, max(*x.Replicas.Max, least, 1), most)
	}
	if x.Failsafe != nil {
		require.LessOrEqual(t, least, *x.Failsafe.Replicas)
	}
}

// requireScaledObjects holds ScaledObjects to the configuration that they were made from.
func requireScaledObjects(t require.TestingT, c *config.Config, text string) {
	all := strict[scaledObject](t, text)
	next := 0
	for i := range c.Models {
		for j := range c.Models[i].Variants {
			x, o := &c.Models[i].Variants[j], all[next]
			next++
			require.Equal(t, "keda.sh/v1alpha1 ScaledObject", o.APIVersion+" "+o.Kind)
			require.Equal(t, c.Models[i].Namespace, o.Metadata.Namespace)
			requireTarget(t, o.Spec.ScaleTargetRef, x)
			require.NotNil(t, o.Spec.MinReplicaCount)
			requireBounds(t, x, *o.Spec.MinReplicaCount, o.Spec.MaxReplicaCount)
			requireFollows(t, o.Spec.Advanced.HPA.Behavior, o.Spec.MaxReplicaCount)
			require.NotNil(t, o.Spec.CooldownPeriod)
			if o.Spec.Fallback != nil {
				require.Positive(t, o.Spec.Fallback.Replicas, "a fallback of 0 scales to zero on an error")
				require.Positive(t, o.Spec.Fallback.FailureThreshold)
				require.Equal(t, "currentReplicasIfHigher", o.Spec.Fallback.Behavior, "what serves is not taken away on an error")
			}
			requireTriggers(t, &o, c.Models[i].Namespace, x.Name)
		}
	}
	require.Len(t, all, next)
}

func requireTriggers(t require.TestingT, o *scaledObject, namespace, variant string) {
	require.NotEmpty(t, o.Spec.Triggers)
	selector := `variant_desired_replicas{variant="` + variant + `",target_namespace="` + namespace + `"}`
	for i, trigger := range o.Spec.Triggers {
		require.Equal(t, "AverageValue", trigger.MetricType)
		require.NotContains(t, trigger.Metadata, "metricType", "there KEDA ignores it")
		if trigger.Type == "prometheus" {
			require.Equal(t, "false", trigger.Metadata["ignoreNullValues"], "by default nothing is zero")
			require.Equal(t, "0", trigger.Metadata["activationThreshold"])
			requirePromQL(t, trigger.Metadata["query"])
		}
		switch {
		case i > 0:
			require.Equal(t, "gateway-queue", trigger.Name)
			require.Equal(t, "1000000000", trigger.Metadata["threshold"], "it wakes one replica, and asks for no second")
			require.Zero(t, *o.Spec.MinReplicaCount)
		case trigger.Type == "prometheus":
			require.Equal(t, "max("+selector+")", trigger.Metadata["query"], "more than one series is an error")
			require.Equal(t, "1", trigger.Metadata["threshold"])
		default:
			require.Equal(t, "metrics-api", trigger.Type)
			require.Equal(t, selector, trigger.Metadata["valueLocation"])
			require.Equal(t, "1", trigger.Metadata["targetValue"])
			require.Equal(t, "prometheus", trigger.Metadata["format"])
			require.Equal(t, "21000", trigger.Metadata["timeout"], "an evaluation may take 20 s, and KEDA waits 3 s by default")
		}
	}
}

func TestAutoscalersHonourTheTraps(t *testing.T) {
	for _, name := range []string{"fleet", "roles", "plain"} {
		c := load(t, name)
		for kind, requireSound := range map[string]func(require.TestingT, *config.Config, string){
			"hpa": requireHPAs, "keda": requireScaledObjects, "keda-metrics-api": requireScaledObjects,
		} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				m, err := kinds()[kind](c)
				requireSound(t, c, text(t, m, err))
			})
		}
	}
}

const head = "prometheus: {url: http://p}\nbudgets: [{name: h100, unit: accelerators, limit: [20, 17], borrow: 1}, {name: measured, unit: w, limit: sum(limit)}]\n"

// one is a configuration with a model of the variants given. Where it may go to zero, the gateway wakes it.
func one(model, variants string) string {
	presets := "vllm"
	if strings.Contains(model, "min: 0") {
		presets = "vllm, epp"
	}
	return head + "models:\n  - {name: m, namespace: llm, presets: [" + presets + "], " + model + " variants: [" + variants + "]}\n"
}

func TestBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		model, variants string
		least, most     []int
	}{
		"as configured": {"", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {min: 2, max: 5}}", []int{2}, []int{5}},
		"the model's minimum falls to its only one": {"replicas: {min: 3},", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {max: 5}}", []int{3}, []int{5}},
		"what others cannot run falls to a variant": {
			"replicas: {min: 6},", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {max: 9}}, {name: b, cost: 1, capacity: {concurrency: 1}, replicas: {max: 4}}",
			[]int{2, 0},
			[]int{9, 4},
		},
		"a minimum that is asked may be the least, which is 1 where nothing wakes the model": {
			"replicas: {min: schedule},", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {max: 5}}", []int{1}, []int{5},
		},
		"a variant's minimum that is asked may be 0": {
			"", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {min: schedule, max: 5}}, {name: b, cost: 1, capacity: {concurrency: 1}, replicas: {max: 4}}",
			[]int{0, 0},
			[]int{5, 4},
		},
		"a failsafe may be lower": {
			"replicas: {min: 3},", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {max: 5}, failsafe: {after: 5m, replicas: 1}}", []int{1}, []int{5},
		},
		"a maximum of zero": {
			"", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {max: 0}}, {name: b, cost: 1, capacity: {concurrency: 1}, replicas: {max: 1}}",
			[]int{0, 1},
			[]int{1, 1},
		},
		"from the smallest budget, with what may be borrowed": {
			"", "{name: a, cost: 1, capacity: {concurrency: 1}, uses: {h100: 4, measured: 1}}", []int{1}, []int{4},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := parse(t, one(tc.model, tc.variants))
			m, err := rules.HPA(c, rules.HPAOptions{})
			for i, h := range strict[hpa](t, text(t, m, err)) {
				require.Equal(t, []int{tc.least[i], tc.most[i]}, []int{*h.Spec.MinReplicas, h.Spec.MaxReplicas}, "variant %d", i)
			}
		})
	}
}

func TestMaximumForAll(t *testing.T) {
	c := parse(t, one("", "{name: a, cost: 1, capacity: {concurrency: 1}}, {name: b, cost: 1, capacity: {concurrency: 1}, replicas: {max: 4}}, "+
		"{name: c, cost: 1, capacity: {concurrency: 1}, uses: {h100: 1}}"))
	m, err := rules.HPA(c, rules.HPAOptions{MaxReplicas: 9, Stabilization: 2 * time.Minute, Labels: map[string]string{"team": "a"}})
	for i, h := range strict[hpa](t, text(t, m, err)) {
		require.Equal(t, []int{9, 4, 18}[i], h.Spec.MaxReplicas)
		require.Equal(t, 120, *h.Spec.Behavior.ScaleDown.StabilizationWindowSeconds)
		require.Equal(t, map[string]string{"team": "a"}, h.Metadata.Labels)
	}
}

func TestKEDAAuthentication(t *testing.T) {
	c := parse(t, one("", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {max: 4}}"))
	o := rules.KEDAOptions{
		Trigger: rules.TriggerPrometheus, PollingInterval: 30 * time.Second, PrometheusURL: "https://thanos.example",
		Authentication: "ClusterTriggerAuthentication/thanos", Metadata: map[string]string{"authModes": "bearer"},
	}
	m, err := rules.KEDA(c, o)
	got := strict[scaledObject](t, text(t, m, err))[0].Spec
	require.Equal(t, "https://thanos.example", got.Triggers[0].Metadata["serverAddress"])
	require.Equal(t, "bearer", got.Triggers[0].Metadata["authModes"])
	require.Equal(t, "ClusterTriggerAuthentication", got.Triggers[0].Authentication.Kind)
	require.Equal(t, "thanos", got.Triggers[0].Authentication.Name)
	require.Equal(t, 30, got.PollingInterval)
}

// TestKEDALoopback is about a configuration that was made through a port-forward.
func TestKEDALoopback(t *testing.T) {
	c := parse(t, one("", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {max: 4}}"))
	for address, lost := range map[string]bool{
		"http://127.0.0.1:9090": true, "http://localhost:9090": true, "http://[::1]:9090": true, "http://prometheus.monitoring:9090": false,
	} {
		m, err := rules.KEDA(c, rules.KEDAOptions{Trigger: rules.TriggerPrometheus, PollingInterval: time.Minute, PrometheusURL: address})
		require.Equal(t, lost, strings.Contains(text(t, m, err), "# "+address+" is this machine's own"), address)
	}
}

// TestKEDAFallback is about the number that KEDA runs when it cannot be told: the failsafe's, unless that is zero. KEDA counts failures at
// its own polls and at each sync of the HPA.
func TestKEDAFallback(t *testing.T) {
	for name, tc := range map[string]struct {
		failsafe string
		interval time.Duration
		want     []int // replicas and failures
	}{
		"none":              {"", 15 * time.Second, nil},
		"of some":           {", failsafe: {after: 5m, replicas: 3}", 15 * time.Second, []int{3, 40}},
		"with seldom polls": {", failsafe: {after: 5m, replicas: 3}", time.Minute, []int{3, 25}},
		"rounded up":        {", failsafe: {after: 100s, replicas: 1}", 30 * time.Second, []int{1, 10}},
		"of zero":           {", failsafe: {after: 5m, replicas: 0}", 15 * time.Second, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := parse(t, one("replicas: {min: 0},", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {max: 4}"+tc.failsafe+"}"))
			m, err := rules.KEDA(c, rules.KEDAOptions{Trigger: rules.TriggerPrometheus, PollingInterval: tc.interval})
			var got []int
			if f := strict[scaledObject](t, text(t, m, err))[0].Spec.Fallback; f != nil {
				got = []int{f.Replicas, f.FailureThreshold}
			}
			require.Equal(t, tc.want, got)
		})
	}
}

// TestWhoWakes is about the variant with the second trigger: it is the one that the exporter would wake, or one of each role.
func TestWhoWakes(t *testing.T) {
	for name, tc := range map[string]struct {
		model, variants string
		want            []string
	}{
		"the cheapest": {
			"replicas: {min: 0},", "{name: a, cost: 4, capacity: {concurrency: 1}}, {name: b, cost: 1, capacity: {concurrency: 1}}", []string{"b"},
		},
		"of equally cheap ones the faster": {
			"replicas: {min: 0},", "{name: a, cost: 1, startup: 2m, capacity: {concurrency: 1}}, {name: b, cost: 1, startup: 1m, capacity: {concurrency: 1}}", []string{"b"},
		},
		"what is ready soonest for its cost": {
			"replicas: {min: 0},", "{name: a, cost: 4, startup: 1m, capacity: {concurrency: 1}}, {name: b, cost: 1, startup: 5m, capacity: {concurrency: 1}}", []string{"a"},
		},
		"what is known to be cheap": {
			"replicas: {min: 0},", "{name: a, cost: sum(price), capacity: {concurrency: 1}}, {name: b, cost: 9, capacity: {concurrency: 1}}", []string{"b"},
		},
		"none of what never is at zero": {"", "{name: a, cost: 4, capacity: {concurrency: 1}}", nil},
		"none where one always runs": {
			"replicas: {min: 0},", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {min: 1}}, {name: b, cost: 4, capacity: {concurrency: 1}}", nil,
		},
		"none that is switched off": {
			"replicas: {min: 0},", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {max: 0}}, {name: b, cost: 4, capacity: {concurrency: 1}}", []string{"b"},
		},
		"none that a budget leaves nothing": {
			"replicas: {min: 0},", "{name: a, cost: 1, capacity: {concurrency: 1}, uses: {h100: 19}}, {name: b, cost: 4, capacity: {concurrency: 1}}", []string{"b"},
		},
		"none where all are switched off": {"replicas: {min: 0},", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {max: 0}}", nil},
		"roles where what serves whole requests is switched off": {
			"replicas: {min: 0},", "{name: a, role: prefill, cost: 4, capacity: {concurrency: 1}}, {name: b, role: decode, cost: 4, capacity: {kv_tokens: 1}}, " +
				"{name: c, cost: 1, capacity: {concurrency: 1}, replicas: {max: 0}}", []string{"a", "b"},
		},
		"one of each role": {
			"replicas: {min: 0},", "{name: a, role: prefill, cost: 4, capacity: {concurrency: 1}}, {name: b, role: decode, cost: 4, capacity: {kv_tokens: 1}}, " +
				"{name: c, role: decode, cost: 3, capacity: {kv_tokens: 1}}", []string{"a", "c"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := parse(t, one(tc.model, tc.variants))
			m, err := rules.KEDA(c, rules.KEDAOptions{Trigger: rules.TriggerPrometheus, PollingInterval: 20 * time.Second, MaxReplicas: 5})
			var got []string
			for _, o := range strict[scaledObject](t, text(t, m, err)) {
				if len(o.Spec.Triggers) > 1 {
					got = append(got, o.Metadata.Name)
				}
			}
			require.Equal(t, tc.want, got)
		})
	}
}
