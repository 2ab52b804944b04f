package rules_test

import (
	"errors"
	"io"
	"strings"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// The schemas below are what the readers of the manifests know. Decoding is strict, as theirs is: a field that stands where it does not
// belong is an error.

type hpa struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   objectMeta
	Spec       struct {
		ScaleTargetRef targetRef `yaml:"scaleTargetRef"`
		MinReplicas    *int      `yaml:"minReplicas"`
		MaxReplicas    int       `yaml:"maxReplicas"`
		Metrics        []struct {
			Type     string
			External struct {
				Metric struct {
					Name     string
					Selector struct {
						MatchLabels map[string]string `yaml:"matchLabels"`
					}
				}
				Target struct {
					Type         string
					AverageValue string `yaml:"averageValue"`
				}
			}
		}
		Behavior hpaBehavior
	}
}

type objectMeta struct {
	Name, Namespace string
	Labels          map[string]string
}

type targetRef struct {
	APIVersion string `yaml:"apiVersion"`
	Kind, Name string
}

type hpaBehavior struct {
	ScaleUp   hpaRules `yaml:"scaleUp"`
	ScaleDown hpaRules `yaml:"scaleDown"`
}

type hpaRules struct {
	Tolerance                  string
	StabilizationWindowSeconds *int `yaml:"stabilizationWindowSeconds"`
	Policies                   []struct {
		Type          string
		Value         int
		PeriodSeconds int `yaml:"periodSeconds"`
	}
}

type scaledObject struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   objectMeta
	Spec       struct {
		ScaleTargetRef  targetRef `yaml:"scaleTargetRef"`
		PollingInterval int       `yaml:"pollingInterval"`
		CooldownPeriod  *int      `yaml:"cooldownPeriod"`
		MinReplicaCount *int      `yaml:"minReplicaCount"`
		MaxReplicaCount int       `yaml:"maxReplicaCount"`
		Fallback        *struct {
			FailureThreshold int `yaml:"failureThreshold"`
			Replicas         int
			Behavior         string
		}
		Advanced struct {
			HPA struct {
				Behavior hpaBehavior
			} `yaml:"horizontalPodAutoscalerConfig"`
		}
		Triggers []struct {
			Type, Name     string
			MetricType     string `yaml:"metricType"`
			Metadata       map[string]string
			Authentication *struct{ Kind, Name string } `yaml:"authenticationRef"`
		}
	}
}

// adapterConfig is what Prometheus Adapter 0.12 knows: its configuration is unmarshalled strictly.
type adapterConfig struct {
	Rules         []adapterRule
	ResourceRules map[string]any `yaml:"resourceRules"`
	ExternalRules []adapterRule  `yaml:"externalRules"`
}

type adapterRule struct {
	SeriesQuery   string `yaml:"seriesQuery"`
	SeriesFilters []struct {
		Is    string
		IsNot string `yaml:"isNot"`
	} `yaml:"seriesFilters"`
	Resources struct {
		Template   string
		Overrides  map[string]struct{ Group, Resource string }
		Namespaced *bool
	}
	Name         struct{ Matches, As string }
	MetricsQuery string `yaml:"metricsQuery"`
}

// strict reads every document of a text.
func strict[T any](t require.TestingT, text string) []T {
	all, err := tryStrict[T](text)
	require.NoError(t, err, text)
	return all
}

func tryStrict[T any](text string) ([]T, error) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	dec.KnownFields(true)
	var all []T
	for {
		var one T
		switch err := dec.Decode(&one); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		}
		all = append(all, one)
	}
}
