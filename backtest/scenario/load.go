package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/backtest/trace"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// LoadFile reads a scenario. Traces are relative to its folder.
func LoadFile(name string) (*Scenario, strict.Diagnostics, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, fmt.Errorf("read scenario: %w", err)
	}
	s, found := Load(name, string(text))
	return s, found, nil
}

// Load reads a scenario from a text. It returns every mistake, in the order of the file. The scenario is nil if there is an error.
func Load(name, text string) (*Scenario, strict.Diagnostics) {
	d := strict.NewDecoder(name, text, strict.Options{Empty: "set at least duration, models, load and variants"})
	root := d.Parse()
	if root == nil {
		return nil, d.Remarks()
	}
	s := &Scenario{Name: strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), Traces: map[string]*trace.Trace{}}
	d.Decode("", root, s)
	if root.Kind == yaml.MappingNode && !d.Exhausted() {
		s.complete(d)
		(&validator{Decoder: d, scenario: s, dir: filepath.Dir(name)}).validate()
	}
	found := d.Remarks()
	if found.HasErrors() {
		return nil, found
	}
	return s, found
}

// complete fills in the defaults.
func (s *Scenario) complete(d *strict.Decoder) {
	if !d.Has("seed") {
		s.Seed = 1
	}
	orElse(&s.Scrape, 15*time.Second)
	orElse(&s.Evaluate, 15*time.Second)
	for i := range s.Models {
		m := &s.Models[i]
		if m.Server == "" {
			m.Server = VLLM
		}
		if m.Gateway.Replicas == 0 && !m.Gateway.None {
			m.Gateway.Replicas = 1
		}
	}
	for i := range s.Load {
		if s.Load[i].Scale == nil {
			one := 1.0
			s.Load[i].Scale = &one
		}
	}
	for i := range s.Variants {
		s.Variants[i].complete()
	}
	a := &s.Autoscaler
	if a.Kind == "" {
		a.Kind = HPA
	}
	orElse(&a.Sync, 15*time.Second)
	orElse(&a.Polling, 30*time.Second)
	if !d.Has("autoscaler.lag") {
		a.Lag = config.Duration(15 * time.Second)
	}
	if a.Cooldown == nil {
		five := config.Duration(5 * time.Minute)
		a.Cooldown = &five
	}
}

func (v *Variant) complete() {
	if v.Model != "" && !strings.HasPrefix(v.Model, v.Namespace+"/") {
		v.Model = v.Namespace + "/" + v.Model
	}
	if v.Kind == "" {
		v.Kind = config.KindDeployment
	}
	if v.Role == "" {
		v.Role = config.RoleBoth
	}
	for _, p := range []**int{&v.PodsPerReplica, &v.TellingPods, &v.Accelerators} {
		if *p == nil {
			one := 1
			*p = &one
		}
	}
	if v.Drain == nil {
		drain := config.Duration(30 * time.Second)
		v.Drain = &drain
	}
	if v.Profile.MaxBatchTokens == 0 {
		v.Profile.MaxBatchTokens = 2048
	}
}

func orElse(d *config.Duration, value time.Duration) {
	if *d == 0 {
		*d = config.Duration(value)
	}
}
