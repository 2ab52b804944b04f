package scenario

import (
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// Lengths are numbers of tokens.
type Lengths struct {
	Mean float64 `yaml:"mean" required:"true" minimum:"1" doc:"Mean number of tokens."`
	CV   float64 `yaml:"cv" minimum:"0" maximum:"10" doc:"Coefficient of variation. Default: 0, all are equal."`
}

// DecodeYAML implements strict.Unmarshaler.
func (l *Lengths) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		type plain Lengths
		d.Decode(path, n, (*plain)(l))
		return
	}
	mean, ok := strict.Number(n)
	if !ok || mean < 1 {
		d.Errorf(path, n, "%s where a number of tokens is expected", strict.Describe(n)).Hint("write 580, or {mean: 580, cv: 1}")
		return
	}
	l.Mean = mean
}

// Pods are replicas of a variant, or pods of them.
type Pods struct {
	Variant  string `yaml:"variant" required:"true" doc:"The variant."`
	Replicas int    `yaml:"replicas" minimum:"0" doc:"How many of its replicas, the oldest first. Default: all."`
	Pods     int    `yaml:"pods" minimum:"0" doc:"How many of its pods, the oldest first. Default: all."`
}

// DecodeYAML implements strict.Unmarshaler.
func (p *Pods) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		p.Variant = n.Value
		return
	}
	type plain Pods
	d.Decode(path, n, (*plain)(p))
}

// Most is how many are meant; 0: all.
func (p *Pods) Most() int { return max(p.Replicas, p.Pods) }

// Gateway is the inference gateway of a model.
type Gateway struct {
	Replicas int `yaml:"replicas" required:"true" minimum:"1" maximum:"100" doc:"Replicas of the gateway that count requests."`
	None     bool
}

// DecodeYAML implements strict.Unmarshaler.
func (g *Gateway) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		if n.Value != "none" {
			d.Errorf(path, n, "%s where a gateway is expected", strict.Describe(n)).Hint("write {replicas: 1}, or none")
		}
		g.None = true
		return
	}
	type plain Gateway
	d.Decode(path, n, (*plain)(g))
}
