package config

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

//go:embed presets/*.yml
var presetFiles embed.FS

// Preset is a set of ready signals and quantities for one gateway, model server or exporter. It is data: a file in the folder
// presets.
type Preset struct {
	Description  string              `yaml:"description" required:"true"`
	Gateway      bool                `yaml:"gateway"` // it counts a request once, whichever servers it passes through
	Labels       LabelNames          `yaml:"labels"`
	Signals      map[string]Signal   `yaml:"signals"`
	Uses         map[string]Quantity `yaml:"uses"` // measured use of budgets by a replica
	Cost         Quantity            `yaml:"cost"` // measured cost of a replica for an hour
	ScaleTargets ScaleTargets        `yaml:"scale_targets"`
	Calibration  Calibration         `yaml:"calibration"`
}

// Calibration says in PromQL what was seen of each replica of a server over a step of time, $window. In it $namespace and $variant are
// the labels of identity, and $replica is the label that tells replicas apart. What a server does not tell is empty.
type Calibration struct {
	Running  string `yaml:"running"`       // mean requests in service
	Variance string `yaml:"variance"`      // variance of the requests in service
	Waiting  string `yaml:"waiting"`       // most requests waiting for service
	Queue    string `yaml:"queue"`         // mean time of a request from arrival to service, in seconds
	Input    string `yaml:"input_tokens"`  // mean prompt tokens of a request
	Output   string `yaml:"output_tokens"` // mean generated tokens of a request
	ITL      string `yaml:"itl"`           // mean time between output tokens, in seconds
	TTFT     string `yaml:"ttft"`          // mean time to the first token, in seconds
}

// IsZero reports whether a preset is of no server whose latency can be fitted.
func (c Calibration) IsZero() bool { return c == Calibration{} }

// PresetCalibration is what a preset asks of the replicas of its server, with the names of the labels left open.
func PresetCalibration(name string) (Calibration, error) {
	text, err := presetSource(name)
	if err != nil {
		return Calibration{}, err
	}
	var p struct {
		Calibration Calibration `yaml:"calibration"`
	}
	if err := yaml.Unmarshal([]byte(text), &p); err != nil {
		return Calibration{}, fmt.Errorf("read preset %s: %w", name, err)
	}
	return p.Calibration, nil
}

// Calibration is what the presets of a model ask of its replicas, with the labels of identity filled in, and which preset says so: the
// first of a server whose latency can be fitted, if any.
func (m *Model) Calibration() (preset string, c Calibration) { return m.calibratedBy, m.calibration }

// calibrations finds what the presets of a model ask of its replicas.
func (v *validator) calibrations(m *Model) {
	for _, name := range m.Presets {
		if p := v.presets[name]; p != nil && !p.Calibration.IsZero() {
			m.calibratedBy, m.calibration = name, p.Calibration
			return
		}
	}
}

// PresetOpenCost is the preset that measures costs.
const PresetOpenCost = "opencost"

// PresetNames lists the presets there are.
func PresetNames() []string {
	entries, err := fs.ReadDir(presetFiles, "presets")
	if err != nil {
		return nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yml")
	}
	return names
}

// PresetOptions are what a preset takes from a configuration.
type PresetOptions struct {
	Labels     LabelNames
	Namespaces []string // of the models; all where there are none
	RateWindow Duration // the default where it is 0
	Selector   Selector
}

// presetOptions are those of a configuration.
func (c *Config) presetOptions() PresetOptions {
	return PresetOptions{Labels: c.Labels, Namespaces: c.namespaces(), RateWindow: *c.RateWindow, Selector: c.Selector}
}

// PresetText returns the text of a preset with its parts in their places, the placeholders $namespace and $variant replaced by the
// label names, $namespaces by a regular expression for the namespaces, and $rate_window by the time over which rates are measured.
func PresetText(name string, o PresetOptions) (string, error) {
	text, err := presetSource(name)
	if err != nil {
		return "", err
	}
	return o.expand(text), nil
}

// expand replaces the placeholders in a text.
func (o PresetOptions) expand(text string) string {
	quoted := make([]string, len(o.Namespaces))
	for i, n := range o.Namespaces {
		quoted[i] = strings.ReplaceAll(regexp.QuoteMeta(n), `\`, `\\`) // It goes into a quoted text.
	}
	slices.Sort(quoted)
	anyOf := strings.Join(slices.Compact(quoted), "|")
	if anyOf == "" {
		anyOf = ".*"
	}
	return os.Expand(text, func(key string) string {
		switch key {
		case "namespace":
			return o.Labels.Namespace
		case "variant":
			return o.Labels.Variant
		case "namespaces":
			return anyOf
		case rateWindowName:
			return cmp.Or(o.RateWindow, defaultRateWindow).String()
		}
		return "$" + key // PromQL's own, such as $1 in label_replace
	})
}

// presetSource is the text of a preset with its parts in their places.
func presetSource(name string) (string, error) {
	raw, err := presetFiles.ReadFile("presets/" + name + ".yml")
	if err != nil {
		return "", fmt.Errorf("no preset %q; there are %s", name, strings.Join(PresetNames(), ", "))
	}
	text, parts, err := cutParts(string(raw))
	if err != nil {
		return "", fmt.Errorf("read preset %s: %w", name, err)
	}
	return insertParts(text, parts), nil
}

// cutParts takes the section parts out of the text of a preset. A part is text that several expressions share: $NAME stands for it.
func cutParts(text string) (string, map[string]string, error) {
	head, rest, found := strings.Cut(text, "\nparts:\n")
	if !found {
		return text, nil, nil
	}
	size := 0
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, " ") {
			break
		}
		size += len(line)
	}
	var parts map[string]string
	if err := yaml.Unmarshal([]byte(rest[:size]), &parts); err != nil {
		return "", nil, fmt.Errorf("parts: %w", err)
	}
	return head + "\n" + rest[size:], parts, nil
}

// insertParts puts parts, which may name others, in the places of their names. All lines of a part are as deep as the line that
// names it, so that the text stays YAML.
func insertParts(text string, parts map[string]string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		b.WriteString(os.Expand(line, func(key string) string {
			part, ok := parts[key]
			if !ok {
				return "$" + key
			}
			return strings.ReplaceAll(strings.TrimSpace(insertParts(part, parts)), "\n", "\n"+indent)
		}))
	}
	return b.String()
}

// loadPreset reads a preset.
func loadPreset(name string, o PresetOptions) (*Preset, error) {
	text, err := PresetText(name, o)
	if err != nil {
		return nil, err
	}
	p := &Preset{}
	d := strict.NewDecoder("preset "+name, text, strict.Options{})
	if root := d.Parse(); root != nil {
		d.Decode("", root, p)
	}
	if err := d.Err(); err != nil {
		return nil, fmt.Errorf("read preset %s: %w", name, err)
	}
	for key, s := range p.Signals {
		s.preset, s.ofGateway = name, p.Gateway
		s.Labels = s.Labels.or(p.Labels).or(o.Labels)
		p.Signals[key] = s
	}
	if err := p.narrow(o.Selector); err != nil {
		return nil, fmt.Errorf("read preset %s: %w", name, err)
	}
	return p, nil
}

// PresetSignal returns a signal of a preset, with the label names and namespaces of the configuration.
func (c *Config) PresetSignal(preset, name string) (Signal, error) {
	p, err := loadPreset(preset, c.presetOptions())
	if err != nil {
		return Signal{}, err
	}
	s, ok := p.Signals[name]
	if !ok {
		return Signal{}, fmt.Errorf("preset %s has no signal %q", preset, name)
	}
	return s, nil
}

// measuredCosts gives the variants of a model the cost that its presets measure, by the rules of measuredUses.
func (v *validator) measuredCosts(path string, m *Model) {
	for i, name := range m.Presets {
		p := v.presets[name]
		if p == nil || !p.Cost.Set {
			continue
		}
		for j := range m.Variants {
			q, err := p.Cost.orElse(m.Variants[j].Cost)
			if err != nil {
				v.Errorf(strict.Index(path+".presets", i), nil, "%v", err)
				continue
			}
			m.Variants[j].Cost = q
		}
	}
}

// measuredUses gives the variants of a model the uses that its presets measure. A variant's own expression wins over the
// measurement; its own number counts only while nothing is measured.
func (v *validator) measuredUses(path string, m *Model) {
	for i, name := range m.Presets {
		p := v.presets[name]
		if p == nil {
			continue // It has been reported.
		}
		for j := range m.Variants {
			x := &m.Variants[j]
			for use, measured := range p.Uses {
				q, err := measured.orElse(x.Uses[use])
				if err != nil {
					v.Errorf(strict.Index(path+".presets", i), nil, "%v", err)
					continue
				}
				if x.Uses == nil {
					x.Uses = map[string]Quantity{}
				}
				x.Uses[use] = q
				v.used["budget/"+use] = true
			}
		}
	}
}

// or fills what is empty from other names.
func (l LabelNames) or(o LabelNames) LabelNames {
	pick := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	return LabelNames{Namespace: pick(l.Namespace, o.Namespace), Model: pick(l.Model, o.Model), Variant: pick(l.Variant, o.Variant)}
}
