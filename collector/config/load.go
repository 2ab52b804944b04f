package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// LoadFile reads a configuration file, or a pipe. Names of files in it are relative to its folder.
func LoadFile(name string) (*Config, Diagnostics, error) {
	text, err := readFileOrPipe(name, pipeTime)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("read configuration: %w: variant_exporter init makes one, and --config.file names another", err)
	case err != nil:
		return nil, nil, fmt.Errorf("read configuration: %w", err)
	}
	c, found := Load(name, string(text))
	if c != nil {
		c.setDirectory(filepath.Dir(name))
		if wrong := c.checkFiles(); len(wrong) > 0 {
			return nil, append(found, wrong...), nil
		}
	}
	return c, found, nil
}

// Load reads a configuration from a text. It returns all errors and warnings in the order of the file. The configuration is nil if
// there is an error.
func Load(name, text string) (*Config, Diagnostics) {
	from := &origin{name, text}
	d, root := from.decoder()
	if root == nil {
		return nil, d.Remarks()
	}
	c, window := &Config{origin: from, namers: &namers{by: map[string]namer{}}}, rateWindowIn(root)
	d.Decode("", root, c)
	if root.Kind == yaml.MappingNode && !d.Exhausted() {
		if c.Prometheus == nil && (c.ScrapeConfigs.Set || c.Global.Set) {
			c.embedded = loadEmbedded(d)
		}
		if c.RateWindow == nil {
			c.RateWindow = &window
		}
		c.complete(d)
		v := &validator{Decoder: d, config: c}
		v.validate()
	}
	found := d.Remarks()
	if found.HasErrors() {
		return nil, found
	}
	return c, found
}

// complete fills in the defaults.
func (c *Config) complete(d *strict.Decoder) {
	c.Labels = c.Labels.or(LabelNames{Namespace: defaultNamespaceName, Model: defaultModelName, Variant: defaultVariantName})
	headroom, scaleUp, scaleDown, idle := Headroom{Ratio: DefaultHeadroomRatio, Auto: true, Default: true}, Duration(0), defaultScaleDown, defaultIdleAfter
	lookback, lead, drain := defaultLookback, Duration(0), defaultDrain
	cooldown, age := defaultProvisionCooldown, defaultMaxAge
	if n := d.Node("prometheus.http_config"); c.Prometheus != nil && (n == nil || strict.IsNull(n)) {
		c.Prometheus.HTTPConfig.HTTPClientConfig = commonconfig.DefaultHTTPClientConfig
	}
	c.Defaults = c.Defaults.or(Tuning{
		Headroom: &headroom, ScaleDownWindow: &scaleDown, ScaleUpWindow: &scaleUp, IdleAfter: &idle,
		Forecast: Forecast{Method: ForecastNone, Lookback: &lookback, Lead: &lead}, Backlog: Backlog{Drain: &drain},
		Guards: Guards{ProvisionCooldown: &cooldown},
	})
	c.Defaults.completeLimits()
	if c.InputWindow == nil {
		window := defaultInputWindow
		c.InputWindow = &window
	}
	if c.MaxAge == nil {
		c.MaxAge = &age
	}
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
		m.completeLimits()
		m.Replicas.Min = m.Replicas.Min.or(defaultMinReplicas)
		for j := range m.Variants {
			m.Variants[j].complete(m)
		}
	}
	c.completeScaleTargets(d)
}

func (v *Variant) complete(m *Model) {
	v.completeGuards(m)
	v.Replicas.Min = v.Replicas.Min.or(0)
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

func (c *Config) completeScaleTargets(d *strict.Decoder) {
	if c.ScaleTargets.Disabled {
		c.ScaleTargets = ScaleTargets{Disabled: true}
		return
	}
	if c.ScaleTargets.Labels.Namespace == "" {
		c.ScaleTargets.Labels.Namespace = c.Labels.Namespace
	}
	o := c.presetOptions()
	o.Labels.Namespace = c.ScaleTargets.Labels.Namespace
	if !o.Labels.valid() {
		return // It has been reported. The expressions of the preset would make no sense.
	}
	if err := c.Selector.narrowAll(c.ScaleTargets.expressions()...); err != nil {
		d.Errorf("scale_targets", nil, "%v", err)
		return
	}
	p, err := loadPreset(presetScaleTargets, o)
	if err != nil {
		d.Errorf("scale_targets", nil, "%v", err)
		return
	}
	if c.ScaleTargets.Rolling.IsZero() && c.ScaleTargets.Current.IsZero() {
		c.ScaleTargets.Rolling = p.ScaleTargets.Rolling // It fits the preset's own replicas only.
	}
	if c.ScaleTargets.Unplaced.IsZero() && c.ScaleTargets.Current.IsZero() {
		c.ScaleTargets.Unplaced = p.ScaleTargets.Unplaced
	}
	if c.ScaleTargets.Draining.IsZero() && c.ScaleTargets.Current.IsZero() {
		c.ScaleTargets.Draining = p.ScaleTargets.Draining
	}
	if c.ScaleTargets.Current.IsZero() {
		c.ScaleTargets.Current = p.ScaleTargets.Current
	}
	if c.ScaleTargets.Ready.IsZero() {
		c.ScaleTargets.Ready = p.ScaleTargets.Ready
	}
}

// namespaces lists the namespaces of the models. Invalid ones have been reported.
func (c *Config) namespaces() []string {
	var names []string
	for i := range c.Models {
		if isNamespace(c.Models[i].Namespace) {
			names = append(names, c.Models[i].Namespace)
		}
	}
	return names
}

func (l LabelNames) valid() bool {
	return isLabelName(l.Namespace) && isLabelName(l.Model) && isLabelName(l.Variant)
}

// isLabelName reports whether every Prometheus accepts a label name without quotes.
func isLabelName(name string) bool { return model.LegacyValidation.IsValidLabelName(name) }

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
	t.Forecast = t.Forecast.or(o.Forecast)
	if t.Backlog.Drain == nil {
		t.Backlog.Drain = o.Backlog.Drain
	}
	t.Guards = t.Guards.or(o.Guards)
	return t
}

// or fills what is empty from another forecast.
func (f Forecast) or(o Forecast) Forecast {
	if f.Method == "" {
		f.Method = o.Method
	}
	if f.Lookback == nil {
		f.Lookback = o.Lookback
	}
	if f.Lead == nil {
		f.Lead = o.Lead
	}
	return f
}

// setDirectory makes the relative file names of the configuration relative to its folder.
func (c *Config) setDirectory(dir string) {
	if c.Prometheus != nil {
		c.Prometheus.HTTPConfig.SetDirectory(dir)
	}
	if c.embedded == nil {
		return
	}
	c.embedded.SetDirectory(dir)
}
