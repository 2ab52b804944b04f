package discover

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// assemble makes models and variants of workloads, and says which gateway is before them.
func (f *Fleet) assemble(w *workloads, g *gateways) {
	byModel := map[place]*Model{}
	targets, names := map[place]bool{}, map[place]bool{}
	for _, of := range w.all {
		if !slices.Contains(config.TargetKind("").Values(), of.kind) {
			f.note("TODO: the pods of %s %s in %s are no Deployment's, StatefulSet's or LeaderWorkerSet's: they are left out, as nothing could scale them", of.kind, of.name, of.namespace)
			continue
		}
		if targets[of.place] {
			f.note("TODO: %s %s in %s serves more than one model; it is listed under the first", of.kind, of.name, of.namespace)
			continue
		}
		targets[of.place] = true
		name := of.model
		if name == "" {
			name = of.name
		}
		at := place{of.namespace, name}
		m := byModel[at]
		if m == nil {
			m = f.newModel(of, name)
			byModel[at] = m
			f.Models = append(f.Models, m)
		}
		if m.server.preset != of.server.preset {
			f.note("TODO: %s in %s is served by %s and %s, whose signals have the same names. %s %s is left out: give it signals of its own",
				name, of.namespace, m.server.preset, of.server.preset, of.kind, of.name)
			continue
		}
		v := newVariant(of)
		if names[place{of.namespace, v.Name.Text}] {
			v.Name = Value{Text: of.name + "-" + strings.ToLower(of.kind), From: "another variant has the workload's name"}
		}
		names[place{of.namespace, v.Name.Text}] = true
		m.Variants = append(m.Variants, v)
	}
	f.Models = slices.DeleteFunc(f.Models, func(m *Model) bool { return len(m.Variants) == 0 })
	for _, m := range f.Models {
		f.join(m, g)
	}
}

func (f *Fleet) newModel(of *workload, name string) *Model {
	m := &Model{
		Name:      Value{Text: name, From: fmt.Sprintf("label %s of %s", of.server.model, of.server.running[0])},
		Namespace: Value{Text: of.namespace},
		Presets:   Value{Text: of.server.preset, From: of.server.running[0] + " is there"},
		server:    of.server,
	}
	if of.model == "" {
		m.Name.From, m.Name.ToDo = "the workload's name: these servers do not say what they serve", "the model's name"
	}
	return m
}

func newVariant(of *workload) *Variant {
	v := &Variant{Name: Value{Text: of.name, From: "the workload's name"}, Kind: of.kind, Target: of.name, work: of}
	if len(of.labels) == 1 {
		v.Name = Value{Text: slices.Collect(maps.Keys(of.labels))[0], From: "label " + variantLabel + " of the servers' series"}
	}
	if of.guessed {
		v.Name.ToDo = "the workload is a guess from the names of pods: kube-state-metrics does not say who owns them"
	}
	switch {
	case of.role == string(config.RolePrefill) || of.role == string(config.RoleDecode):
		v.Role = Value{Text: of.role, From: "label llm-d.ai/role of the pods"}
	case of.role == "" && strings.Contains(of.name, "prefill"):
		v.Role = Value{Text: string(config.RolePrefill), From: "the workload's name", ToDo: "is it?"}
	case of.role == "" && strings.Contains(of.name, "decode"):
		v.Role = Value{Text: string(config.RoleDecode), From: "the workload's name", ToDo: "is it?"}
	}
	return v
}

// join adds the gateway's preset to a model that one knows by the same name.
func (f *Fleet) join(m *Model, g *gateways) {
	namespace := m.Namespace.Text
	pools := slices.Sorted(maps.Keys(g.pools[namespace]))
	of, known := g.models[place{namespace, m.Name.Text}]
	switch {
	case len(pools) == 0:
		return
	case !known:
		m.Presets.ToDo = "a gateway is in this namespace and knows no model of this name; if it serves this one, add the preset epp and the gateway's name under match: {model_name: ...}"
		return
	}
	delete(of, "")
	named := slices.Sorted(maps.Keys(of))
	switch {
	case len(named) == 1:
		m.Pool = Value{Text: named[0], From: "the gateway's queue names it"}
	case len(named) == 0 && len(pools) == 1:
		m.Pool = Value{Text: pools[0], From: "the only pool of the gateways here"}
	default:
		m.Presets.ToDo = fmt.Sprintf("the gateway serves this model from one of the pools %s: add the preset epp, and match: {inference_pool: ...}", strings.Join(pools, ", "))
		return
	}
	m.gateway = true
	m.Presets = Value{Text: m.server.preset + ", epp", From: m.Presets.From + ", and so is a gateway, whose queue counts"}
}

// rate says whether the model's generated tokens are a signal.
func (m *Model) rate() bool { return len(m.server.tokens) > 0 }
