// Package rules makes what stands between the exporter's gauges and pods from a configuration: recording and alerting rules, the
// rules of Prometheus Adapter, HPAs, KEDA's ScaledObjects, and monitors for the Prometheus Operator. What it makes depends on
// nothing but the configuration and the options.
package rules

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Manifest is what one command prints: YAML documents, below a comment that says where they come from and what they need.
type Manifest struct {
	notes     []string
	warnings  []string // those of the notes that say what is not as it was asked for
	documents []any
}

// Write prints the documents in their order. The command is what made them, as it can be typed again.
func (m *Manifest) Write(w io.Writer, command string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Made by: %s\n# Do not edit: change the configuration and generate it again.\n", strings.ReplaceAll(command, "\n", " "))
	for _, note := range m.notes {
		fmt.Fprintf(&b, "# %s\n", note)
	}
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	for _, doc := range m.documents {
		if err := enc.Encode(doc); err != nil {
			return fmt.Errorf("write YAML: %w", err)
		}
	}
	if err := enc.Close(); err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (m *Manifest) add(doc any) { m.documents = append(m.documents, doc) }

func (m *Manifest) note(lines ...string) { m.notes = append(m.notes, lines...) }

// warn adds notes that must be seen where the manifest is not read: it is not all that was asked for, or it does nothing without more.
func (m *Manifest) warn(lines ...string) {
	m.note(lines...)
	m.warnings = append(m.warnings, lines...)
}

// Warnings say where the manifest is not what was asked for, and what it needs, each once.
func (m *Manifest) Warnings() []string {
	var once []string
	for _, warning := range m.warnings {
		if !slices.Contains(once, warning) {
			once = append(once, warning)
		}
	}
	return once
}

// object is one Kubernetes object.
type object struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       any      `yaml:"spec,omitempty"`
}

type metadata struct {
	Name      string            `yaml:"name"`
	Namespace string            `yaml:"namespace,omitempty"`
	Labels    map[string]string `yaml:"labels,omitempty"`
}

// labelSelector selects objects by their labels.
type labelSelector struct {
	MatchLabels      map[string]string     `yaml:"matchLabels,omitempty"`
	MatchExpressions []selectorRequirement `yaml:"matchExpressions,omitempty"`
}

type selectorRequirement struct {
	Key      string   `yaml:"key"`
	Operator string   `yaml:"operator"`
	Values   []string `yaml:"values,omitempty"`
}

// Names of the one metric that autoscalers follow, and of its labels. They are those of the exporter's table of metrics.
const (
	desiredReplicas      = "variant_desired_replicas"
	labelVariant         = "variant"
	labelTargetNamespace = "target_namespace"
)
