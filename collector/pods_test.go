package collector_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// workload is a scale target as its pods are named.
type workload struct{ kind, name string }

// apart is what no two workloads of a namespace have in common: a LeaderWorkerSet makes a StatefulSet of its own name.
func (w workload) apart() workload {
	return workload{strings.Replace(w.kind, "LeaderWorkerSet", "StatefulSet", 1), w.name}
}

// podName draws the name of a pod as Kubernetes generates it: with the hash of a ReplicaSet and a random suffix, both of an
// alphabet without vowels (k8s.io/apimachinery/pkg/util/rand), and cut to 58 characters before the suffix
// (k8s.io/apiserver/pkg/storage/names); or with ordinals.
func (w workload) podName(t *rapid.T) string {
	safe := func(least, most int) string {
		return rapid.StringOfN(rapid.RuneFrom([]rune("bcdfghjklmnpqrstvwxz2456789")), least, most, -1).Draw(t, "generated")
	}
	ordinal := func() string { return strconv.Itoa(rapid.IntRange(0, 120).Draw(t, "ordinal")) }
	switch w.kind {
	case "StatefulSet":
		return w.name + "-" + ordinal()
	case "LeaderWorkerSet":
		if rapid.Bool().Draw(t, "leader") {
			return w.name + "-" + ordinal()
		}
		return w.name + "-" + ordinal() + "-" + ordinal()
	}
	base := w.name + "-" + safe(6, 10) + "-"
	return base[:min(len(base), 58)] + safe(5, 5)
}

// TestPodNames holds that the pods of generated workloads are assigned to them, or, where another workload's could be named so,
// to nobody, which is told. Everything that is summed shows in the demand.
func TestPodNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z]([-a-z0-9]{0,20}[a-z0-9])?`)
		if rapid.Bool().Draw(t, "long") {
			name = rapid.StringMatching(`[a-z]([-a-z0-9]{40,60}[a-z0-9])`)
		}
		workloads := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) workload {
			return workload{rapid.SampledFrom([]string{"Deployment", "StatefulSet", "LeaderWorkerSet"}).Draw(t, "kind"), name.Draw(t, "name")}
		}), 1, 4, workload.apart).Draw(t, "workloads")
		owner := rapid.SampledFrom(workloads).Draw(t, "owner")
		pod := owner.podName(t)

		var variants, expected []string
		for i, w := range workloads {
			variants = append(variants, fmt.Sprintf("{name: v%d, scale_target: {kind: %s, name: %s}, cost: 1, capacity: {load: %d}}", i, w.kind, w.name, i+1))
			if w == owner {
				expected = append(expected, fmt.Sprint(float64(i+1)))
			}
		}
		text := "signals: {load: {unit: tokens, usage: usage}}\nmodels: [{name: m, namespace: ns, variants: [" + strings.Join(variants, ", ") + "]}]\n"
		var current strings.Builder // all at zero, so that no result is expected of the others
		for _, w := range workloads {
			fmt.Fprintf(&current, "{namespace=\"ns\", scale_target_kind=%q, scale_target_name=%q} 0\n", w.apart().kind, w.name)
		}
		s := evaluateRapid(t, text, canned{"usage": fmt.Sprintf("{namespace=\"ns\", pod=%q} 1", pod), "current": current.String()})
		signal := s.Models[0].Signals[0]
		if signal.Measured == nil {
			require.NotEmpty(t, s.Inputs[2].Bad, "pod %s of %v was assigned to nobody", pod, owner)
			require.Equal(t, map[string]int{"labels": 1}, s.Inputs[2].Bad)
			require.Greater(t, len(workloads), 1)
			return
		}
		require.Equal(t, expected, []string{fmt.Sprint(*signal.Measured)}, "pod %s of %v among %v", pod, owner, workloads)
	})
}
