package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// wakeThreshold is so large that the trigger asks for one replica however long the queue is: how many are needed, the exporter says.
const wakeThreshold = "1000000000"

// wakers are the variants that a waiting request wakes when nothing of their model runs: of those of a model that may be at zero,
// the one that the exporter would wake. Where no variant serves whole requests, one of each role. One that is switched off is never woken.
func wakers(all []target) map[int]bool {
	best := map[string]int{}
	whole, timed := map[*config.Model]bool{}, map[*config.Model]bool{}
	for i := range all {
		t := &all[i]
		whole[t.model] = whole[t.model] || t.Role == config.RoleBoth && !t.off
		timed[t.model] = !slices.ContainsFunc(t.model.Variants, func(x config.Variant) bool { return x.Startup == 0 })
	}
	for i := range all {
		t := &all[i]
		if t.off || t.model.Fewest() > 0 || whole[t.model] && t.Role != config.RoleBoth {
			continue
		}
		key := fmt.Sprintf("%s/%s/%s", t.model.Namespace, t.model.Name, t.Role)
		if j, ok := best[key]; !ok || wakesBefore(t, &all[j], timed[t.model]) {
			best[key] = i
		}
	}
	chosen := map[int]bool{}
	for _, i := range best {
		chosen[i] = all[i].least == 0
	}
	return chosen
}

// wakesBefore prefers, as the exporter does, what costs least until it is ready, where it is known of all how long that takes, or else
// what costs least; of equals, what starts faster.
func wakesBefore(a, b *target, timed bool) bool {
	if a.Cost.IsNumber() != b.Cost.IsNumber() {
		return a.Cost.IsNumber()
	}
	x, y := a.Cost.Number, b.Cost.Number
	if timed {
		x, y = x*float64(a.Startup), y*float64(b.Startup)
	}
	return x < y || x == y && a.Startup < b.Startup
}

// wakeQuery is above zero while requests for a model wait at a gateway that has no endpoint ready, and the exporter does not decide the
// variant: a plan that says 0 knows of budgets and of what is stuck, and is not overridden. No answer means that nothing is known to wait,
// so it is 0: it only ever adds a replica, what takes one away is the other trigger.
func (t *target) wakeQuery(c *config.Config) string {
	m := t.model
	namespace := fmt.Sprintf("%s=%q", c.Labels.Namespace, m.Namespace)
	queue := `__name__=~"llm_d_epp_flow_control_queue_size|inference_extension_flow_control_queue_size",` + namespace
	var waiting []string
	if pools := m.Match[labelPool]; len(pools) > 0 {
		for _, pool := range slices.Sorted(slices.Values(pools)) {
			waiting = append(waiting, fmt.Sprintf("{%s,%s=%q}", queue, labelPool, pool))
		}
	} else {
		names := slices.Concat([]string{m.Name}, m.Match[c.Labels.Model])
		for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
			waiting = append(waiting,
				fmt.Sprintf("{%s,target_model_name=%q}", queue, name),
				fmt.Sprintf("{%s,model_name=%q,target_model_name=%q}", queue, name, ""))
		}
	}
	return fmt.Sprintf(`max(
  (
    %s
  )
  unless on (%s)
  label_replace({__name__=~"llm_d_epp_ready_endpoints|inference_pool_ready_pods",%s} > 0, %q, "$1", "name", "(.*)")
  unless on ()
  max(%s)
) or vector(0)`, strings.Join(waiting, "\n    or\n    "), labelPool, namespace, labelPool, t.selector())
}
