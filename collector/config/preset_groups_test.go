package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPresetReadyGroups: a LeaderWorkerSet makes a StatefulSet of its leaders, and one of the workers of each group. A group with a worker
// that is not ready serves nothing, even if its leader is ready.
func TestPresetReadyGroups(t *testing.T) {
	const (
		leaders = `
			kube_statefulset_replicas{namespace="llm",statefulset="a",instance="ksm"} 2x2
			kube_statefulset_status_replicas_ready{namespace="llm",statefulset="a",instance="ksm"} 2x2
		`
		first = `kube_statefulset_replicas{namespace="llm",statefulset="a-0",instance="ksm"} 3x2
			kube_statefulset_status_replicas_ready{namespace="llm",statefulset="a-0",instance="ksm"} `
		second = `kube_statefulset_replicas{namespace="llm",statefulset="a-1",instance="ksm"} 3x2
			kube_statefulset_status_replicas_ready{namespace="llm",statefulset="a-1",instance="ksm"} `
		other = `
			kube_statefulset_replicas{namespace="llm",statefulset="a-2",instance="ksm"} 4x2
			kube_statefulset_status_replicas_ready{namespace="llm",statefulset="a-2",instance="ksm"} 4x2
		`
	)
	expr := preset(t, "vllm", "concurrency").ScaleTargets.Ready.String()
	for name, c := range map[string]struct{ series, want string }{
		"all workers are ready":               {leaders + first + "3x2\n" + second + "3x2\n", "2"},
		"one is not":                          {leaders + first + "3x2\n" + second + "2x2\n", "1"},
		"one of each group is not":            {leaders + first + "2x2\n" + second + "2x2\n", "0"},
		"the second group has no workers yet": {leaders + first + "3x2\n", "1"},
		"seen by two kube-state-metrics":      {leaders + first + "3x2\n" + strings.ReplaceAll(leaders+first+"3x2\n", `"ksm"`, `"ksm-1"`), "1"},
		"groups of one pod":                   {leaders, ""},
		"another workload is named alike":     {leaders + other, ""},
	} {
		t.Run(name, func(t *testing.T) {
			groups := slices.DeleteFunc(evaluate(t, c.series, expr), func(line string) bool { return !strings.Contains(line, `"LeaderWorkerSet"`) })
			var want []string
			if c.want != "" {
				want = []string{`{namespace="llm", scale_target_kind="LeaderWorkerSet", scale_target_name="a"} ` + c.want}
			}
			require.ElementsMatch(t, want, groups)
		})
	}
}
