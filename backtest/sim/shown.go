package sim

import (
	"github.com/variant-exporter/variant-exporter/backtest/sim/expose"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// shown is what there is to scrape now.
func (s *Sim) shown() *expose.Fleet {
	f := &expose.Fleet{At: s.now}
	for _, m := range s.models {
		f.Models = append(f.Models, s.shownModel(m))
	}
	seen := map[*variant]int{}
	for _, p := range s.pods {
		if p.state != ready && p.state != draining || p.server == nil {
			continue
		}
		if seen[p.v]++; seen[p.v] <= p.v.mute {
			continue
		}
		e := p.v.model.engine
		f.Pods = append(f.Pods, expose.Pod{
			Variant: p.v.Variant, Model: p.v.model.Model, Name: p.name, Ready: p.state == ready, Copies: p.v.copies,
			Load: e.load(p), Counters: e.counted(p), Target: &p.shown,
		})
	}
	for _, v := range s.variants {
		f.Variants = append(f.Variants, s.shownVariant(v))
	}
	return f
}

func (s *Sim) shownModel(m *model) expose.Model {
	x := expose.Model{Model: m.Model, Queued: m.engine.queued(), InSystem: m.engine.inSystem(), Counters: &m.count}
	for _, p := range s.pods {
		if p.v.model == m && p.serves(s.now) {
			x.Pods = append(x.Pods, m.engine.load(p))
		}
	}
	return x
}

func (s *Sim) shownVariant(v *variant) expose.Variant {
	x := expose.Variant{Variant: v.Variant, Asked: v.spec, Current: v.hash[v.revision], Update: v.hash[v.revision]}
	if v.rollout != nil {
		x.Current = v.hash[v.revision-1]
		if v.Kind == config.KindLeaderWorkerSet {
			x.Asked += v.rollout.surge // its leaders' StatefulSet has them as well
		}
	}
	for _, p := range s.pods {
		if p.v != v {
			continue
		}
		if p.state == pending || p.state == draining {
			x.Pods = append(x.Pods, expose.KubePod{Name: p.name, Waits: p.state == pending, Until: p.due})
		}
		if !p.live() {
			continue
		}
		x.Total++
		if p.serves(s.now) {
			x.Ready++
		}
		if p.revision == v.revision {
			x.Updated++
		}
	}
	return x
}
