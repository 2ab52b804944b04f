package sim

import (
	"math"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
)

// happening is an event with its times.
type happening struct {
	*scenario.Event
	from, to     float64
	begun, ended bool
}

func newHappenings(s *Sim) []*happening {
	var all []*happening
	for i := range s.scenario.Events {
		e := &s.scenario.Events[i]
		h := &happening{Event: e, from: s.warmup + time.Duration(e.At).Seconds(), to: math.Inf(1)}
		if e.For > 0 {
			h.to = h.from + time.Duration(e.For).Seconds()
		}
		all = append(all, h)
	}
	return all
}

// due is when the event needs to act next.
func (h *happening) due() float64 {
	switch {
	case !h.begun:
		return h.from
	case !h.ended:
		return h.to
	}
	return math.Inf(1)
}

func (h *happening) act(s *Sim) {
	if !h.begun && s.now >= h.from {
		h.begun = true
		h.change(s, true)
	}
	if h.begun && !h.ended && s.now >= h.to {
		h.ended = true
		h.change(s, false)
	}
}

// change lets the event begin or end.
func (h *happening) change(s *Sim, begin bool) {
	switch {
	case h.blurs():
		h.blur(s, begin)
	case h.Unready != nil && begin:
		for _, p := range s.chosen(h.Unready) {
			p.unready = h.to
		}
	case h.Crash != nil && begin:
		s.crash(h.Crash)
	case h.Pool != "":
		s.resize(h, begin)
	case h.Rollout != "":
		s.rollOut(h, begin)
	default:
		h.hinder(s, begin)
	}
}

// hinder lets an autoscaler stop, or servers be slow.
func (h *happening) hinder(s *Sim, begin bool) {
	switch {
	case h.AutoscalerStops != "":
		v := s.variantOf(h.AutoscalerStops)
		v.frozen = nil
		if begin {
			v.frozen = &freeze{h.AtMost}
		}
	case h.Slow != nil:
		v := s.variantOf(h.Slow.Variant)
		v.slow = 1
		if begin {
			v.slow = h.Slow.By
		}
	}
}

// crash restarts servers.
func (s *Sim) crash(of *scenario.Pods) {
	for _, p := range s.chosen(of) {
		p.v.model.engine.leave(p, s.now)
		s.become(p, starting)
	}
}

// blurs reports whether the event changes what is seen of the fleet, and not the fleet.
func (h *happening) blurs() bool {
	return h.Prometheus != "" || h.Store != nil || !h.Series.IsZero() || h.ScrapeFails != nil || h.Scraped != nil
}

// blur changes what is seen of the fleet.
func (h *happening) blur(s *Sim, begin bool) {
	if s.expose == nil {
		return
	}
	st := s.Store
	switch {
	case h.Prometheus == scenario.Down:
		st.SetDown(begin)
	case h.Prometheus == scenario.Restarted && begin:
		st.Clear()
	case h.Store != nil:
		share := 0.0
		if begin {
			share = h.Store.Lose
		}
		st.Lose(share)
	case !h.Series.IsZero():
		s.expose.Spoil(h.Event, begin)
	case h.ScrapeFails != nil:
		v := s.variantOf(h.ScrapeFails.Variant)
		v.mute = 0
		if n := h.ScrapeFails.Most(); begin && n > 0 {
			v.mute = n
		} else if begin {
			v.mute = math.MaxInt
		}
	case h.Scraped != nil:
		v := s.variantOf(h.Scraped.Variant)
		v.copies = 1
		if begin {
			v.copies = h.Scraped.Times
		}
	}
}

func (s *Sim) variantOf(name string) *variant {
	for _, v := range s.variants {
		if v.Name == name {
			return v
		}
	}
	return nil // the scenario has been checked
}

// chosen lists the pods that an event is about: those that are ready, the oldest first.
func (s *Sim) chosen(of *scenario.Pods) []*pod {
	v := s.variantOf(of.Variant)
	var pods []*pod
	for _, p := range s.pods {
		if p.v == v && p.state == ready && (of.Most() == 0 || len(pods) < of.Most()) {
			pods = append(pods, p)
		}
	}
	return pods
}

// resize gives a pool another size, and the old one at the end.
func (s *Sim) resize(h *happening, begin bool) {
	if !begin {
		s.pools[h.Pool] = s.scenario.Pools[h.Pool]
		return
	}
	s.pools[h.Pool] = *h.Accelerators
	if !h.Evict {
		return
	}
	used := 0
	for _, p := range s.pods {
		if p.v.Pool == h.Pool && p.state != pending {
			used += *p.v.Accelerators
		}
	}
	for i := len(s.pods) - 1; i >= 0 && used > s.pools[h.Pool]; i-- {
		p := s.pods[i]
		if p.v.Pool != h.Pool || p.state == pending || p.state == gone {
			continue
		}
		used -= *p.v.Accelerators
		s.evict(p, time.Duration(h.Notice).Seconds())
	}
}

// evict takes a pod away. It serves on for the time of the notice.
func (s *Sim) evict(p *pod, notice float64) {
	if p.state == ready && notice > 0 {
		p.state, p.due = draining, s.now+notice
		p.unready = s.now
		return
	}
	if p.state == draining {
		p.due = min(p.due, s.now+notice)
		return
	}
	s.become(p, gone)
}

// rollOut begins a roll-out. At its end a broken one is repaired.
func (s *Sim) rollOut(h *happening, begin bool) {
	v := s.variantOf(h.Rollout)
	if !begin && v.rollout == nil {
		return
	}
	v.revision++
	v.hash = append(v.hash, randomName(s.rng, 10))
	quarter := float64(v.spec) / 4
	v.rollout = &rollout{surge: int(math.Ceil(quarter)), unavailable: int(quarter), broken: h.Broken && begin}
	if h.Surge != nil {
		v.rollout.surge = *h.Surge
	}
	if h.Unavailable != nil {
		v.rollout.unavailable = *h.Unavailable
	}
	if v.rollout.surge == 0 && v.rollout.unavailable == 0 {
		v.rollout.unavailable = 1
	}
}
