// Package demo runs a simulated fleet for people to watch: what a user's Prometheus, model servers and autoscaler would be is
// simulated, the exporter between them is the real one.
package demo

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/backtest/fleet"
)

// The demo compresses hours into minutes, so it scrapes as fast and forgets as soon. A start is priced as what it stands for:
// with the seconds that it takes here, no swap of variants would seem to cost anything.
const (
	headroom        = 0.4
	compression     = 60
	scrapeInterval  = time.Second
	scaleDownWindow = 5 * time.Second
	stopDelay       = 10 * time.Second // what the autoscaler waits before it stops replicas; longer than they take to start
)

// The shape of the configuration file, as far as the demo uses it.
type (
	file struct {
		Global        map[string]string `yaml:"global"`
		ScrapeConfigs []scrapeConfig    `yaml:"scrape_configs"`
		Defaults      defaults          `yaml:"defaults"`
		Models        []modelConfig     `yaml:"models"`
	}
	scrapeConfig struct {
		JobName string         `yaml:"job_name"`
		FileSD  []fileSDConfig `yaml:"file_sd_configs"`
	}
	fileSDConfig struct {
		Files           []string `yaml:"files"`
		RefreshInterval string   `yaml:"refresh_interval"`
	}
	match struct {
		InferencePool string `yaml:"inference_pool"`
	}
	defaults struct {
		Headroom        float64     `yaml:"headroom"`
		ScaleDownWindow string      `yaml:"scale_down_window"`
		ScaleDownLimit  changeLimit `yaml:"scale_down_limit"`
	}
	changeLimit struct {
		Percent float64 `yaml:"percent"`
		Per     string  `yaml:"per"`
	}
	modelConfig struct {
		Name      string          `yaml:"name"`
		Namespace string          `yaml:"namespace"`
		Presets   []string        `yaml:"presets"`
		Match     match           `yaml:"match"`
		Replicas  replicas        `yaml:"replicas"`
		Variants  []variantConfig `yaml:"variants"`
	}
	variantConfig struct {
		Name        string         `yaml:"name"`
		Accelerator string         `yaml:"accelerator"`
		Cost        float64        `yaml:"cost"`
		Capacity    map[string]int `yaml:"capacity"`
		Replicas    replicas       `yaml:"replicas"`
		Startup     string         `yaml:"startup"`
	}
	replicas struct {
		Min int `yaml:"min"`
		Max int `yaml:"max,omitempty"`
	}
)

// Config returns the exporter's configuration for a fleet, whose targets are listed in a file for file_sd. The capacities are
// those that follow from the servers' profiles.
func Config(f fleet.Config, targetsFile string) ([]byte, error) {
	c := file{
		Global: map[string]string{
			"scrape_interval": model.Duration(scrapeInterval).String(), "scrape_timeout": model.Duration(scrapeInterval).String(),
		},
		ScrapeConfigs: []scrapeConfig{{JobName: "fleet", FileSD: []fileSDConfig{{Files: []string{targetsFile}, RefreshInterval: "1s"}}}},
		Defaults: defaults{
			Headroom: headroom, ScaleDownWindow: model.Duration(scaleDownWindow).String(),
			// Minutes of a day pass in seconds here: going down in steps of 10 % would take all of a demo.
			ScaleDownLimit: changeLimit{Percent: 100, Per: model.Duration(scaleDownWindow).String()},
		},
	}
	for i := range f.Models {
		m := &f.Models[i]
		out := modelConfig{Name: m.Name, Namespace: m.Namespace, Presets: []string{"epp"}, Match: match{m.Pool}, Replicas: replicas{Min: m.MinReplicas}}
		for j := range m.Variants {
			v := &m.Variants[j]
			out.Variants = append(out.Variants, variantConfig{
				Name: v.Name, Accelerator: v.Accelerator, Cost: v.Cost, Startup: model.Duration(compression * v.Startup).String(),
				Capacity: map[string]int{"concurrency": m.Capacity(v)}, Replicas: replicas{Min: v.Min, Max: v.Max},
			})
		}
		c.Models = append(c.Models, out)
	}
	text, err := yaml.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write the demo's configuration: %w", err)
	}
	return text, nil
}
