package collector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMadeUp: pods that start or are being deleted tell a signal too. They do not make up for a ready one that is silent: as many tell it as are
// ready, and the sum lacks a third. Three replicas are needed all the time; what happens does so twenty minutes before the end.
func TestMadeUp(t *testing.T) {
	const ready, unready, none = "1", "0", ""
	name := func(i int) string { return "chat-6d4cf56db6-" + strings.Repeat("bcdfg"[i:i+1], 5) }
	then := func(before, after string) string { return strings.Repeat(before+" ", 80) + after }
	pod := func(i int, up, is, load string) string {
		target := fmt.Sprintf(`{namespace="llm",pod=%q,instance="10.0.0.%d:80",job="chat"`, name(i), i)
		all := "up" + target + "} " + up + "\n" + fmt.Sprintf("kube_pod_status_ready{namespace=\"llm\",pod=%q,condition=\"true\"} %s\n", name(i), is)
		if load != none {
			server := target + `,model_name="chat",engine="0"} `
			all += "vllm:num_requests_running" + server + load + "\nvllm:num_requests_waiting" + server + strings.ReplaceAll(load, "80", "0") + "\n"
		}
		return all
	}
	sidecar := func(i int) string {
		return fmt.Sprintf("up{namespace=\"llm\",pod=%q,instance=\"10.0.0.%d:90\",job=\"proxies\"} 0\n", name(i), i)
	}
	replicas := func(asked, ready string) string {
		return `kube_deployment_spec_replicas{namespace="llm",deployment="chat"} ` + asked + "\n" +
			`kube_deployment_status_replicas_ready{namespace="llm",deployment="chat"} ` + ready + "\n" +
			`kube_deployment_status_replicas{namespace="llm",deployment="chat"} ` + asked + "\n"
	}
	rolls := func(updated string) string {
		return `kube_deployment_status_replicas_updated{namespace="llm",deployment="chat"} ` + updated + "\n"
	}
	var (
		two    = pod(0, "1", ready, "80") + pod(1, "1", ready, "80")
		whole  = pod(2, "1", ready, "80")
		silent = pod(2, then("1", "0"), ready, then("80", "stale"))
		told   = pod(3, "1", ready, "0")
		early  = pod(3, then("stale", "1"), unready, then("stale", "0"))
		drains = replicas(then("4", "3"), then("4", "3")) + rolls(then("4", "3")) + fmt.Sprintf("kube_pod_deletion_timestamp{namespace=\"llm\",pod=%q} %s\n", name(3), then("stale", "1.7e9"))
		starts = replicas(then("3", "4"), "3") + rolls(then("3", "4"))
		surges = replicas("3", "3") + rolls(then("3", "1"))
	)
	for name, test := range map[string]struct{ series, want string }{
		"one is deleted, and all tell":                         {drains + two + whole + told, "3 wanted and 4 told, up 1, desired 3"},
		"one is deleted, and a ready one is silent":            {drains + two + silent + told, "3 wanted and 3 told, up 0, desired none"},
		"one is deleted, and its server has ended":             {drains + two + whole + pod(3, then("1", "0"), ready, then("0", "stale")), "3 wanted and 3 told, up 1, desired 3"},
		"one is deleted, and a sidecar never answered":         {drains + two + whole + told + sidecar(0), "3 wanted and 4 told, up 1, desired 3"},
		"one starts, and all tell":                             {starts + two + whole + early, "3 wanted and 4 told, up 1, desired 3"},
		"one starts, and a ready one is silent":                {starts + two + silent + early, "3 wanted and 3 told, up 0, desired none"},
		"one starts, and does not answer yet":                  {starts + two + whole + pod(3, then("stale", "0"), unready, none), "3 wanted and 3 told, up 1, desired 3"},
		"one starts for a roll-out, and all tell":              {surges + two + whole + early, "3 wanted and 4 told, up 1, desired 3"},
		"one starts for a roll-out, and a ready one is silent": {surges + two + silent + early, "3 wanted and 3 told, up 0, desired none"},
		"no sidecar ever answered during a roll-out":           {surges + two + whole + early + sidecar(0) + sidecar(1) + sidecar(2), "3 wanted and 4 told, up 1, desired 3"},
		"nothing moves, and a sidecar never answered":          {replicas("3", "3") + rolls("3") + two + whole + sidecar(0), "3 wanted and 3 told, up 1, desired 3"},
		"a ready one is silent, and is soon no longer ready":   {replicas("3", then("3", "2")) + rolls("3") + two + pod(2, then("1", "0"), then("1", "0"), then("80", "stale")), "2 wanted and 2 told, up 1, desired 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const text = `
prometheus: {url: http://prometheus:9090}
defaults: {headroom: 0, forecast: {method: none}}
models: [{name: chat, namespace: llm, presets: [vllm], variants: [{name: chat, cost: 1, capacity: {concurrency: 80}, startup: 1m}]}]`
			e, at := evaluatorOf(t, parsed(t, text), test.series)
			require.Equal(t, test.want, witnessIn(exposition(t, e.Evaluate(t.Context(), at))))
		})
	}
}
