package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// LoadFile reads a configuration file. Files that it names are found beside it.
func LoadFile(name string) (*Config, Diagnostics, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, fmt.Errorf("read configuration: %w", err)
	}
	c, found := Load(name, string(text))
	if c != nil {
		c.setDirectory(filepath.Dir(name))
	}
	return c, found, nil
}

// Load reads a configuration from a text. It returns every mistake and doubt that it finds, in the order of the file; the
// configuration is nil when one of them is an error.
func Load(name, text string) (*Config, Diagnostics) {
	d := newDecoder(newSource(name, text))
	root := d.parse()
	if root == nil {
		return nil, d.found
	}
	c := &Config{}
	d.decode("", root, c)
	if c.Prometheus == nil && (c.ScrapeConfigs.Set || c.Global.Set) {
		c.embedded = d.loadEmbedded(root)
	}
	d.complete(c)
	v := &validator{decoder: d, config: c}
	v.validate()
	if d.found.HasErrors() {
		return nil, d.found.sorted()
	}
	return c, d.found.sorted()
}

func newDecoder(src *source) *decoder {
	return &decoder{src: src, nodes: map[string]*yaml.Node{}, keys: map[string]*yaml.Node{}}
}

// parse reads the YAML document, or reports why that cannot be done and returns nil.
func (d *decoder) parse() *yaml.Node {
	var doc, next yaml.Node
	reader := yaml.NewDecoder(strings.NewReader(d.src.text))
	err := reader.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && isNull(doc.Content[0]) {
		d.reportAt(Diagnostic{Line: 1, Column: 1, Severity: SeverityError, Message: "the configuration is empty", width: 1}).
			hint("give at least prometheus.url and one model")
		return nil
	}
	if err != nil {
		d.syntax(err)
		return nil
	}
	if err := reader.Decode(&next); !errors.Is(err, io.EOF) {
		d.errorf("", &next, "more than one YAML document").hint("keep one; there is no `---` inside a configuration")
		return nil
	}
	return doc.Content[0]
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

var syntaxLine = regexp.MustCompile(`line (\d+): (.*)`)

// syntax reports what the YAML library says of a text that is not YAML. It names a line, counted from 1.
func (d *decoder) syntax(err error) {
	line, message := 1, trimYAML(err)
	if m := syntaxLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = m[2]
	}
	line = min(max(line, 1), len(d.src.lines))
	text := d.src.line(line)
	indent := len(text) - len(strings.TrimLeft(text, " \t"))
	d.reportAt(Diagnostic{
		Line: line, Column: indent + 1, Severity: SeverityError, Message: "not YAML: " + message,
		width: max(len(strings.TrimSpace(text)), 1),
	}).hint("look for wrong indentation, a missing quote or a tab, here or just above")
}

// complete fills in the defaults.
func (d *decoder) complete(c *Config) {
	c.Labels = c.Labels.or(LabelNames{Namespace: defaultNamespaceName, Model: defaultModelName, Variant: defaultVariantName})
	headroom, scaleUp, scaleDown, idle := defaultHeadroom, Duration(0), defaultScaleDown, defaultIdleAfter
	c.Defaults = c.Defaults.or(Tuning{Headroom: &headroom, ScaleDownWindow: &scaleDown, ScaleUpWindow: &scaleUp, IdleAfter: &idle})
	for name, s := range c.Signals {
		s.Labels = s.Labels.or(c.Labels)
		if s.OnMissing == "" {
			s.OnMissing = OnMissingHold
		}
		c.Signals[name] = s
	}
	for i := range c.Models {
		m := &c.Models[i]
		m.Tuning = m.or(c.Defaults)
		if m.Replicas.Min == nil {
			one := defaultMinReplicas
			m.Replicas.Min = &one
		}
		for j := range m.Variants {
			m.Variants[j].complete()
		}
	}
	d.completeScaleTargets(c)
}

func (v *Variant) complete() {
	if v.ScaleTarget.Kind == "" {
		v.ScaleTarget.Kind = defaultTargetKind
	}
	if v.ScaleTarget.Name == "" {
		v.ScaleTarget.Name = v.Name
	}
	if v.Role == "" {
		v.Role = RoleBoth
	}
}

func (d *decoder) completeScaleTargets(c *Config) {
	if c.ScaleTargets.Disabled {
		c.ScaleTargets.Current, c.ScaleTargets.Ready = Expr{}, Expr{}
		return
	}
	p, err := loadPreset(presetScaleTargets, c.Labels, c.namespaces())
	if err != nil {
		d.errorf("scale_targets", nil, "%v", err)
		return
	}
	if c.ScaleTargets.Current.IsZero() {
		c.ScaleTargets.Current = p.ScaleTargets.Current
	}
	if c.ScaleTargets.Ready.IsZero() {
		c.ScaleTargets.Ready = p.ScaleTargets.Ready
	}
}

func (c *Config) namespaces() []string {
	names := make([]string, len(c.Models))
	for i := range c.Models {
		names[i] = c.Models[i].Namespace
	}
	return names
}

// or fills what is empty from other settings.
func (t Tuning) or(o Tuning) Tuning {
	if t.Headroom == nil {
		t.Headroom = o.Headroom
	}
	if t.ScaleDownWindow == nil {
		t.ScaleDownWindow = o.ScaleDownWindow
	}
	if t.ScaleUpWindow == nil {
		t.ScaleUpWindow = o.ScaleUpWindow
	}
	if t.IdleAfter == nil {
		t.IdleAfter = o.IdleAfter
	}
	return t
}

// setDirectory makes the relative file names of the configuration relative to its folder.
func (c *Config) setDirectory(dir string) {
	if c.Prometheus != nil {
		c.Prometheus.HTTPConfig.SetDirectory(dir)
	}
	if c.embedded == nil {
		return
	}
	for _, sc := range c.embedded.ScrapeConfigs {
		sc.SetDirectory(dir)
	}
}
