package rules

import (
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// HPAOptions say how HorizontalPodAutoscalers are made.
type HPAOptions struct {
	Labels        map[string]string // of every object
	MaxReplicas   int               // of variants that neither the configuration nor a budget bounds; 0 refuses them
	Stabilization time.Duration     // scale-down stabilization window
	Gateway       bool              // models of one variant scale on the gateway's metrics
	Kubernetes    Kubernetes        // that they are for
}

// behavior is how an HPA follows its metric.
type behavior struct {
	ScaleUp   scalingRules `yaml:"scaleUp"`
	ScaleDown scalingRules `yaml:"scaleDown"`
}

type scalingRules struct {
	Tolerance                  string          `yaml:"tolerance,omitempty"`
	StabilizationWindowSeconds int             `yaml:"stabilizationWindowSeconds"`
	Policies                   []scalingPolicy `yaml:"policies,omitempty"`
}

type scalingPolicy struct {
	Type          string `yaml:"type"`
	Value         int    `yaml:"value"`
	PeriodSeconds int    `yaml:"periodSeconds"`
}

// policyPeriod is the shortest time over which an HPA that syncs every 15 seconds, the default, counts its changes.
const policyPeriod = 15

// follow is the behavior that does what the gauge says: at once, to the replica, and all the way. By default an HPA ignores a
// change within 10 % and at most doubles in 15 seconds. What slows changes down is configured in the exporter, where the plan knows.
func follow(most int, down time.Duration, k Kubernetes) behavior {
	tolerance := "0"
	if k.before(toleranceKnown) {
		tolerance = ""
	}
	return behavior{
		ScaleUp:   scalingRules{Tolerance: tolerance, Policies: []scalingPolicy{{"Pods", most, policyPeriod}}},
		ScaleDown: scalingRules{Tolerance: tolerance, StabilizationWindowSeconds: seconds(down), Policies: []scalingPolicy{{"Percent", 100, policyPeriod}}},
	}
}

func seconds(d time.Duration) int { return int(d / time.Second) }

type hpaSpec struct {
	ScaleTargetRef workload    `yaml:"scaleTargetRef"`
	MinReplicas    int         `yaml:"minReplicas"`
	MaxReplicas    int         `yaml:"maxReplicas"`
	Metrics        []hpaMetric `yaml:"metrics"`
	Behavior       behavior    `yaml:"behavior"`
}

type hpaMetric struct {
	Type     string         `yaml:"type"`
	External externalMetric `yaml:"external"`
}

type externalMetric struct {
	Metric externalMetricName `yaml:"metric"`
	Target metricTarget       `yaml:"target"`
}

type externalMetricName struct {
	Name     string         `yaml:"name"`
	Selector *labelSelector `yaml:"selector,omitempty"`
}

type metricTarget struct {
	Type         string `yaml:"type"`
	AverageValue string `yaml:"averageValue"`
}

// external is a metric that an HPA divides by what one replica carries. With a target of type Value it would multiply by the
// replicas instead, and run away.
func external(name string, selector *labelSelector, averageValue string) hpaMetric {
	return hpaMetric{Type: "External", External: externalMetric{
		Metric: externalMetricName{name, selector},
		Target: metricTarget{"AverageValue", averageValue},
	}}
}

// HPA makes a HorizontalPodAutoscaler for each variant.
func HPA(c *config.Config, o HPAOptions) (*Manifest, error) {
	all, err := targets(c, o.MaxReplicas)
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	adapter := "variant_exporter generate adapter"
	if o.Gateway {
		adapter += " --gateway"
	}
	m.warn("It needs Prometheus Adapter with the rules of `" + adapter + "`.")
	if o.Gateway {
		m.warnGateway(c)
	}
	m.noteTolerance(o.Kubernetes)
	if anyToZero(all) {
		m.noteToZero(o.Kubernetes, all)
	}
	var found config.Diagnostics
	for i := range all {
		spec := all[i].gauged(o)
		// No HPA can have a maximum of 0: the gateway's requests would start what is switched off, which the gauge does not.
		if o.Gateway && len(all[i].model.Variants) == 1 && !all[i].off {
			var refused config.Diagnostics
			spec, refused = all[i].gatewayed(c, o)
			found = append(found, refused...)
		}
		m.add(object{"autoscaling/v2", "HorizontalPodAutoscaler", all[i].metadata(o.Labels), spec})
	}
	return m, found.Err()
}

// gauged is an HPA on the exporter's gauge. Its selector names the variant; the namespace is added by the adapter.
func (t *target) gauged(o HPAOptions) hpaSpec {
	selector := &labelSelector{MatchLabels: map[string]string{labelVariant: t.Name}}
	return hpaSpec{
		ScaleTargetRef: t.workload(), MinReplicas: o.Kubernetes.leastOf(t), MaxReplicas: t.most,
		Metrics:  []hpaMetric{external(desiredReplicas, selector, "1")},
		Behavior: follow(t.most, o.Stabilization, o.Kubernetes),
	}
}
