package discover

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// number writes a number with no more digits than anyone needs.
func number(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(math.Round(v), 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// lookAtBounds asks for the bounds that autoscalers in force have, and for the most replicas that were asked for.
func (f *Fleet) lookAtBounds(a *asker, w *workloads) error {
	of := func(metric, labels string) string {
		return fmt.Sprintf("max by (%s, %s) (%s{%s})", w.ns, labels, metric, w.within)
	}
	bounds, err := a.ask("maximums of HPAs", of("kube_horizontalpodautoscaler_spec_max_replicas", "horizontalpodautoscaler"))
	if err != nil {
		return err
	}
	lows, err := a.ask("minimums of HPAs", of("kube_horizontalpodautoscaler_spec_min_replicas", "horizontalpodautoscaler"))
	if err != nil {
		return err
	}
	scaled, err := a.ask("targets of HPAs", of("kube_horizontalpodautoscaler_info", "horizontalpodautoscaler, scaletargetref_kind, scaletargetref_name"))
	if err != nil {
		return err
	}
	ran, err := a.ask("replicas", fmt.Sprintf("max by (%s, deployment, statefulset) (%s or %s)",
		w.ns, mostOver("kube_deployment_spec_replicas{"+w.within+"}"), mostOver("kube_statefulset_replicas{"+w.within+"}")))
	if err != nil {
		return err
	}
	most, least := byAutoscaler(bounds, w.ns), byAutoscaler(lows, w.ns)
	autoscaler := map[string]place{}
	for _, x := range scaled {
		namespace := pick(x.Metric, w.ns)
		autoscaler[target(namespace, pick(x.Metric, "scaletargetref_kind"), pick(x.Metric, "scaletargetref_name"))] = place{namespace, pick(x.Metric, "horizontalpodautoscaler")}
	}
	asked := map[string]float64{}
	for _, x := range ran {
		namespace := pick(x.Metric, w.ns)
		if name := pick(x.Metric, "deployment"); name != "" {
			asked[target(namespace, string(config.KindDeployment), name)] = float64(x.Value)
		} else {
			asked[target(namespace, string(config.KindStatefulSet), pick(x.Metric, "statefulset"))] = float64(x.Value)
		}
	}
	f.variants(func(_ *Model, v *Variant) {
		hpa, ok := autoscaler[target(v.work.namespace, v.Kind, v.Target)]
		if ok && most[hpa] > 0 {
			v.setBounds(hpa.name, least[hpa], most[hpa])
			return
		}
		v.setMaximum(f, asked)
	})
	return nil
}

// mostOver is the most of some series within the history, or what they are now where they have just begun.
func mostOver(selector string) string {
	return fmt.Sprintf("max_over_time(%[1]s[$history:10m]) or %[1]s", selector)
}

// byAutoscaler is what HPAs have, by their namespaces and names.
func byAutoscaler(answer model.Vector, ns string) map[place]float64 {
	of := map[place]float64{}
	for _, x := range answer {
		of[place{pick(x.Metric, ns), pick(x.Metric, "horizontalpodautoscaler")}] = float64(x.Value)
	}
	return of
}

// target is the key of a workload of a kind.
func target(namespace, kind, name string) string { return namespace + "/" + kind + "/" + name }

// setBounds takes over those of an HPA. A minimum of 1 is every HPA's, and no wish.
func (v *Variant) setBounds(hpa string, least, most float64) {
	whose := "HPA " + hpa
	if name, keda := strings.CutPrefix(hpa, "keda-hpa-"); keda {
		whose = "ScaledObject " + name
	}
	v.Max = Value{Text: number(most), From: "maximum of " + whose + ", which must go before another autoscaler follows the gauge"}
	if least > 1 {
		v.Min = Value{Text: number(least), From: "minimum of " + whose + "; without it the plan is free to run fewer, or another variant"}
	}
}

// setMaximum is about a workload without an HPA.
func (v *Variant) setMaximum(f *Fleet, asked map[string]float64) {
	namespace := v.work.namespace
	kind := v.Kind
	if kind == string(config.KindLeaderWorkerSet) {
		kind = string(config.KindStatefulSet) // of its leaders
	}
	n, told := asked[target(namespace, kind, v.Target)]
	n = max(n, 1)
	from := fmt.Sprintf("twice the most that was asked for in %s, %s: no HPA says more", f.span(), number(n))
	switch {
	case !told:
		from = "a guess: nothing tells how many were asked for, and no HPA"
	case f.young():
		from = fmt.Sprintf("a guess: twice the %s asked for now. No HPA says more", number(n))
	}
	v.Max = Value{Text: number(2 * n), From: from, Guess: true, ToDo: "how many may it run?"}
}

const (
	startQuantile = 0.9
	fewStarts     = 3
)

// lookAtStarts asks how long pods took from their creation until they were ready, of those created within the history.
func (f *Fleet) lookAtStarts(a *asker, w *workloads) error {
	created := func(within time.Duration) string {
		return fmt.Sprintf("(%s > time() - %d)", w.by("", seen("kube_pod_created{"+w.within+"}")), int(within/time.Second))
	}
	ready := w.by("", "min_over_time(kube_pod_status_ready_time{"+w.within+"}[$history:10m]) or kube_pod_status_ready_time{"+w.within+"}")
	from := "from kube_pod_created to the first kube_pod_status_ready_time"
	answer, err := a.ask("starts of pods", ready+" - "+created(f.History))
	if err != nil {
		return err
	}
	if len(answer) == 0 {
		// Without the time itself: when a pod was first seen ready, to the minute. Pods that were created before anything was seen tell nothing.
		within := f.History
		if f.short() {
			within = f.Known
		}
		ready = w.by("", "min_over_time(timestamp(kube_pod_status_ready{condition=\"true\","+w.within+"} == 1)[$history:1m])")
		from = "from kube_pod_created until it was first seen ready, looking every minute"
		if answer, err = a.ask("starts of pods", ready+" - "+created(within)); err != nil {
			return err
		}
	}
	took := map[*workload]map[string]float64{}
	for _, x := range answer {
		at := w.member(x.Metric)
		of := w.ofPod[at]
		if of == nil || !(x.Value > 0) || of.guessed {
			continue
		}
		if took[of] == nil {
			took[of] = map[string]float64{}
		}
		replica := of.replicaOf(at.name)
		took[of][replica] = max(took[of][replica], float64(x.Value)) // A group is ready when all of it is.
	}
	f.variants(func(_ *Model, v *Variant) { v.setStartup(f, took[v.work], from) })
	return nil
}

func (v *Variant) setStartup(f *Fleet, took map[string]float64, from string) {
	var all []float64
	for _, seconds := range took {
		all = append(all, seconds)
	}
	if len(all) == 0 {
		v.Startup = Value{Text: "2m", Guess: true, From: "a guess: no start was seen in " + f.span(), ToDo: "how long does a replica take from its creation until it is ready?"}
		return
	}
	slices.Sort(all)
	at := all[min(int(math.Ceil(startQuantile*float64(len(all))))-1, len(all)-1)]
	rounded := time.Duration(math.Ceil(at/5)*5) * time.Second
	v.Startup = Value{
		Text: model.Duration(rounded).String(),
		From: fmt.Sprintf("%g-quantile of %s in %s, %s", startQuantile, many(len(all), "start"), f.span(), from),
	}
	if len(all) < fewStarts {
		v.Startup.ToDo = "few starts were seen: is it so?"
	}
}

// lookAtLoads asks for the most that a replica was seen to do for five minutes.
func (f *Fleet) lookAtLoads(a *asker, _ *workloads) error {
	running, tokens := map[place]float64{}, map[place]float64{}
	for _, s := range known() {
		if !slices.ContainsFunc(f.Models, func(m *Model) bool { return m.server.preset == s.preset }) {
			continue
		}
		if err := f.mostOf(a, running, "requests in service", "avg_over_time", s.running, s.matchers); err != nil {
			return err
		}
		if err := f.mostOf(a, tokens, "generated tokens", "rate", s.tokens, ""); err != nil {
			return err
		}
	}
	f.variants(func(m *Model, v *Variant) {
		v.Concurrency = v.mostSeen(f, running, 16, "requests in service")
		if m.rate() {
			v.Tokens = v.mostSeen(f, tokens, 500, "generated tokens per second")
		}
	})
	return nil
}

// mostOf asks for the largest value of each pod. Copies of an engine count once.
func (f *Fleet) mostOf(a *asker, into map[place]float64, what, function string, names []string, matchers string) error {
	if len(names) == 0 {
		return nil
	}
	namespace := cmp.Or(f.Labels.Namespace, "namespace")
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%s(%s%s[5m])", function, name, matchers)
	}
	answer, err := a.ask("the most "+what, fmt.Sprintf("max_over_time((sum by (%s, pod) (max by (%s, pod, instance, engine) (%s)))[$history:5m])",
		namespace, namespace, strings.Join(parts, " or ")))
	if err != nil {
		return err
	}
	for _, x := range answer {
		at := place{pick(x.Metric, namespace), pick(x.Metric, "pod")}
		into[at] = max(into[at], float64(x.Value))
	}
	return nil
}

// askCapacity is what is to be done about a capacity that history does not tell.
const askCapacity = "what does a replica carry within your latency target? Measure it with a benchmark (docs/calibration.md)"

// mostSeen is a capacity that is known to be reached. Where there was next to no load, it is a guess.
func (v *Variant) mostSeen(f *Fleet, seen map[place]float64, guess float64, what string) Value {
	replicas := map[string]float64{}
	for pod := range v.work.pods {
		replicas[v.work.replicaOf(pod)] += seen[place{v.work.namespace, pod}]
	}
	n := math.Floor(most(replicas))
	if f.young() && n < guess {
		return Value{Text: number(guess), From: "a guess: " + f.span() + " says nothing of it", Guess: true, ToDo: askCapacity}
	}
	if n < 1 {
		return Value{Text: number(guess), From: "a guess: no load was seen in " + f.span(), Guess: true, ToDo: askCapacity}
	}
	return Value{
		Text: number(n), Seen: true, From: fmt.Sprintf("the most %s of a replica over 5m in %s: it may carry more", what, f.span()),
		ToDo: askCapacity,
	}
}
