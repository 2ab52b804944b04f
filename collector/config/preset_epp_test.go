package config_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

func TestPresetEPPDemand(t *testing.T) {
	signal := signalOf(t, preset(t, "epp", "concurrency"), "concurrency")
	none := []string{}
	llama := func(value int) []string {
		return []string{fmt.Sprintf(`{model_name="llama", namespace="llm"} %d`, value)}
	}
	for name, test := range map[string]struct {
		series         string
		demand, queued []string
	}{
		"newest names": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 3x2
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="y",priority="0",inference_pool="p"} 2x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10x2
		`, llama(10), llama(5)},
		"all names at once are not summed": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 3x2
			inference_extension_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 3x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10x2
			inference_objective_running_requests{namespace="llm",instance="a",model_name="llama"} 10x2
			inference_model_running_requests{namespace="llm",instance="a",model_name="llama"} 10x2
		`, llama(10), llama(3)},
		"older names": {`
			inference_extension_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 3x2
			inference_objective_running_requests{namespace="llm",instance="a",model_name="llama"} 10x2
		`, llama(10), llama(3)},
		"oldest names": {`
			inference_model_running_requests{namespace="llm",instance="a",model_name="llama"} 10x2
		`, llama(10), none},
		"no flow control": {`
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10x2
		`, llama(10), none},
		"scaled to zero, only the queue": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 3x2
		`, none, llama(3)},
		"a negative queue takes nothing from another": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} -2x2
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="y",priority="0",inference_pool="p"} 3x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10x2
		`, llama(10), llama(3)},
		"the gauge of what runs has drifted below zero": {`
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="old",target_model_name="llama",fairness_id="x",priority="0"} -7x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 9x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="qwen",target_model_name="qwen",fairness_id="x",priority="0"} 4x2
		`, []string{`{model_name="llama", namespace="llm"} NaN`, `{model_name="qwen", namespace="llm"} 4`}, none},
		"an older gauge below zero": {`
			inference_objective_running_requests{namespace="llm",instance="a",model_name="llama"} -1x2
		`, []string{`{model_name="llama", namespace="llm"} NaN`}, none},
		"an empty queue is no demand of zero where what runs does not show": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 0x2
			llm_d_epp_request_total{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 0+60x2
		`, none, none},
		"what is queued wakes a model, though nothing has run yet": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 3x2
			llm_d_epp_request_total{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 0+60x2
		`, none, llama(3)},
		"several names are rewritten to one": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="chat",target_model_name="llama",fairness_id="x",priority="0",inference_pool="p"} 3x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="chat",target_model_name="llama",fairness_id="x",priority="0"} 10x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="code",target_model_name="llama",fairness_id="x",priority="0"} 5x2
			inference_objective_running_requests{namespace="llm",instance="a",model_name="chat"} 10x2
			inference_objective_running_requests{namespace="llm",instance="a",model_name="code"} 5x2
		`, llama(15), llama(3)},
		"two replicas of the gateway are summed": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 3x2
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="b",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 4x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10x2
			llm_d_epp_request_running{namespace="llm",instance="b",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 20x2
		`, llama(30), llama(7)},
		"an old and a new replica, during an upgrade": {`
			inference_objective_running_requests{namespace="llm",instance="a",model_name="llama"} 10x2
			inference_objective_running_requests{namespace="llm",instance="b",model_name="llama"} 20x2
			llm_d_epp_request_running{namespace="llm",instance="b",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 20x2
		`, llama(30), none},
		"models and namespaces stay apart": {`
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="qwen",target_model_name="qwen",fairness_id="x",priority="0"} 20x2
			llm_d_epp_request_running{namespace="chat",instance="b",model_name="qwen",target_model_name="qwen",fairness_id="x",priority="0"} 30x2
		`, []string{
			`{model_name="llama", namespace="llm"} 10`, `{model_name="qwen", namespace="chat"} 30`, `{model_name="qwen", namespace="llm"} 20`,
		}, none},
		"an empty queue": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 0x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10x2
		`, llama(10), llama(0)},
		"idle, its series gone": {`
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10 stale
			llm_d_epp_ready_endpoints{namespace="llm",instance="a",name="p"} 2x2
		`, none, none},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.demand, evaluate(t, test.series, signal.Demand.String()))
			require.Equal(t, test.queued, evaluate(t, test.series, signal.Queued.String()))
		})
	}
}

func TestPresetEPPAlive(t *testing.T) {
	signal := signalOf(t, preset(t, "epp", "concurrency"), "concurrency")
	require.Equal(t, config.OnMissingZero, signal.OnMissing)
	for name, test := range map[string]struct {
		series string
		want   []string
	}{
		"no endpoint is ready":     {`llm_d_epp_ready_endpoints{namespace="llm",instance="a",name="p"} 0x2`, []string{`{inference_pool="p", namespace="llm"} 1`}},
		"both generations":         {"llm_d_epp_ready_endpoints{namespace=\"llm\",instance=\"a\",name=\"p\"} 2x2\ninference_pool_ready_pods{namespace=\"llm\",instance=\"a\",name=\"p\"} 2x2", []string{`{inference_pool="p", namespace="llm"} 1`}},
		"older name":               {`inference_pool_ready_pods{namespace="llm",instance="a",name="p"} 2x2`, []string{`{inference_pool="p", namespace="llm"} 1`}},
		"the gateway is not there": {`llm_d_epp_ready_endpoints{namespace="llm",instance="a",name="p"} 2 stale`, []string{}},
		"restarted, and idle since": {`
			llm_d_epp_ready_endpoints{namespace="llm",instance="a",name="p"} 2x2
		`, []string{`{inference_pool="p", namespace="llm"} 1`}},
		"counts requests, and none runs": {`
			llm_d_epp_ready_endpoints{namespace="llm",instance="a",name="p"} 2x2
			llm_d_epp_request_total{namespace="llm",instance="a",model_name="llama"} 0+60x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama"} 0x2
		`, []string{`{inference_pool="p", namespace="llm"} 1`}},
		"a keep-list has dropped what runs": {`
			llm_d_epp_ready_endpoints{namespace="llm",instance="a",name="p"} 2x2
			llm_d_epp_request_total{namespace="llm",instance="a",model_name="llama"} 0+60x2
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",inference_pool="p"} 0x2
			llm_d_epp_ready_endpoints{namespace="llm",instance="b",name="q"} 2x2
		`, []string{`{inference_pool="q", namespace="llm"} 1`}},
		"one of two gateways of a pool does not show what runs": {`
			llm_d_epp_ready_endpoints{namespace="llm",instance="a",name="p"} 2x2
			llm_d_epp_request_total{namespace="llm",instance="a",model_name="llama"} 0+60x2
			llm_d_epp_ready_endpoints{namespace="llm",instance="b",name="p"} 2x2
			llm_d_epp_request_total{namespace="llm",instance="b",model_name="llama"} 0+60x2
			llm_d_epp_request_running{namespace="llm",instance="b",model_name="llama"} 5x2
		`, []string{}},
		"an older gateway": {`
			inference_pool_ready_pods{namespace="llm",instance="a",name="p"} 2x2
			inference_objective_request_total{namespace="llm",instance="a",model_name="llama"} 0+60x2
			inference_objective_running_requests{namespace="llm",instance="a",model_name="llama"} 5x2
		`, []string{`{inference_pool="p", namespace="llm"} 1`}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, evaluate(t, test.series, signal.Alive.String()))
		})
	}
}

func TestPresetEPPLatency(t *testing.T) {
	const labels = `namespace="llm",instance="a",model_name="llama",target_model_name="llama"`
	runPresetCases(t, "epp", map[string]presetCase{
		"newest name, by fairness and priority": {"latency", "latency", `
			llm_d_epp_request_total{` + labels + `,fairness_id="x",priority="0"} 0+60x20
			llm_d_epp_request_total{` + labels + `,fairness_id="y",priority="1"} 0+30x20
		`, []string{`{model_name="llama", namespace="llm"} 3`}},
		"all names at once are not summed": {"latency", "latency", `
			llm_d_epp_request_total{` + labels + `,fairness_id="x",priority="0"} 0+60x20
			inference_objective_request_total{` + labels + `,priority="0"} 0+60x20
			inference_model_request_total{` + labels + `} 0+60x20
		`, []string{`{model_name="llama", namespace="llm"} 2`}},
		"older name": {"latency", "latency", `
			inference_objective_request_total{` + labels + `,priority="0"} 0+60x20
		`, []string{`{model_name="llama", namespace="llm"} 2`}},
		"oldest name": {"latency", "latency", `
			inference_model_request_total{` + labels + `} 0+60x20
		`, []string{`{model_name="llama", namespace="llm"} 2`}},
		"an old and a new replica, names rewritten to one, and a restart": {"latency", "latency", `
			inference_objective_request_total{namespace="llm",instance="b",model_name="chat",target_model_name="llama",priority="0"} 0+60x20
			llm_d_epp_request_total{` + labels + `,fairness_id="x",priority="0"} 0+30x17 30+30x2
		`, []string{`{model_name="llama", namespace="llm"} 3`}},
		"idle": {"latency", "latency", `
			llm_d_epp_request_total{` + labels + `,fairness_id="x",priority="0"} 700x20
		`, []string{`{model_name="llama", namespace="llm"} 0`}},
		"the gateway is not there": {"latency", "latency", ``, nil},
		"mean length, under both names": {"latency", "input_tokens", `
			llm_d_epp_request_input_tokens_sum{` + labels + `,fairness_id="x",priority="0"} 0+8000x20
			llm_d_epp_request_input_tokens_count{` + labels + `,fairness_id="x",priority="0"} 0+10x20
			llm_d_epp_request_input_tokens_sum{` + labels + `,fairness_id="y",priority="0"} 0+2000x20
			llm_d_epp_request_input_tokens_count{` + labels + `,fairness_id="y",priority="0"} 0+10x20
			inference_objective_input_tokens_sum{` + labels + `} 0+9999x20
			inference_objective_input_tokens_count{` + labels + `} 0+1x20
		`, []string{`{model_name="llama", namespace="llm"} 500`}},
		"mean length, older name": {"latency", "output_tokens", `
			inference_objective_output_tokens_sum{` + labels + `} 0+2000x20
			inference_objective_output_tokens_count{` + labels + `} 0+10x20
		`, []string{`{model_name="llama", namespace="llm"} 200`}},
		"mean length, oldest name": {"latency", "output_tokens", `
			inference_model_output_tokens_sum{` + labels + `} 0+2000x20
			inference_model_output_tokens_count{` + labels + `} 0+10x20
		`, []string{`{model_name="llama", namespace="llm"} 200`}},
		"nothing was ever served": {"latency", "output_tokens", `
			llm_d_epp_request_output_tokens_sum{` + labels + `} 0x20
			llm_d_epp_request_output_tokens_count{` + labels + `} 0x20
		`, nil},
	})
}

// TestPresetEPPLengthsLast holds that the lengths of hours ago count where nothing was served since, as after a night.
func TestPresetEPPLengthsLast(t *testing.T) {
	signal := signalOf(t, preset(t, "epp", "latency"), "latency")
	require.Equal(t, []string{`{model_name="llama", namespace="llm"} 200`}, evaluateAt(t, 5*time.Hour, `
		llm_d_epp_request_output_tokens_sum{namespace="llm",instance="a",model_name="llama",target_model_name="llama"} 0+2000x20 40000x600
		llm_d_epp_request_output_tokens_count{namespace="llm",instance="a",model_name="llama",target_model_name="llama"} 0+10x20 200x600
	`, signal.OutputTokens.String()))
	require.Equal(t, config.OnMissingZero, signal.OnMissing)
	require.False(t, signal.Alive.IsZero())
}

// TestPresetEPPArrivalsAlive is about gateways whose counter of requests does not get to Prometheus.
func TestPresetEPPArrivalsAlive(t *testing.T) {
	runPresetCases(t, "epp", map[string]presetCase{
		"restarted, and idle since": {"latency", "alive", `
			llm_d_epp_ready_endpoints{namespace="llm",instance="a",name="p"} 2x20
		`, []string{`{inference_pool="p", namespace="llm"} 1`}},
		"requests run that were not counted": {"latency", "alive", `
			llm_d_epp_ready_endpoints{namespace="llm",instance="a",name="p"} 2x20
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama"} 5x20
		`, nil},
	})
}

func TestPresetEPPSilent(t *testing.T) {
	readiness := func(pod, yes, no string) string {
		return `kube_pod_status_ready{namespace="llm",pod="` + pod + `",condition="true"} ` + yes + "\n" +
			`kube_pod_status_ready{namespace="llm",pod="` + pod + `",condition="false"} ` + no + "\n"
	}
	ready := func(pod, values string) string { return readiness(pod, values, "0x20") }
	tells := func(metric, pod, values string) string {
		return metric + `{namespace="llm",pod="` + pod + `",instance="` + pod + `:9090",name="p"} ` + values + "\n"
	}
	silent := func(pod string) []string {
		return []string{`{inference_pool="p", namespace="llm", pod="` + pod + `"} 1`}
	}
	up := func(pod, values string) string {
		return `up{namespace="llm",pod="` + pod + `",instance="` + pod + `:9090"} ` + values + "\n"
	}
	const newer, older = "llm_d_epp_ready_endpoints", "inference_pool_ready_pods"
	for _, signal := range []string{"concurrency", "latency"} {
		runPresetCases(t, "epp", map[string]presetCase{
			signal + ", all tell":                         {signal, "silent", tells(newer, "a", "2x20") + ready("a", "1x20"), nil},
			signal + ", one has stopped":                  {signal, "silent", tells(newer, "a", "2x20") + tells(newer, "b", "2x10 stale") + ready("a", "1x20") + ready("b", "1x20"), silent("b")},
			signal + ", an older one has stopped":         {signal, "silent", tells(older, "b", "2x10 stale") + ready("b", "1x20"), silent("b")},
			signal + ", one has stopped and is not ready": {signal, "silent", tells(newer, "b", "2x10 stale") + ready("b", "1x10 0x10"), nil},
			signal + ", one is gone":                      {signal, "silent", tells(newer, "b", "2x10 stale") + ready("b", "1x10 stale"), nil},
			signal + ", another program of the namespace": {signal, "silent", tells(newer, "a", "2x20") + ready("a", "1x20") + ready("c", "1x20"), nil},
			signal + ", updated in place":                 {signal, "silent", tells(older, "a", "2x10 stale") + tells(newer, "a", "_x12 2x8") + ready("a", "1x20"), nil},
			signal + ", one does not answer scrapes, and nothing is known of pods": {
				signal, "silent", tells(newer, "a", "2x20") + up("a", "1x20") + tells(newer, "b", "2x10 stale") + up("b", "1x10 0x10"), silent("b"),
			},
			signal + ", one does not answer scrapes, and is not ready": {
				signal, "silent", tells(newer, "b", "2x10 stale") + up("b", "1x10 0x10") + readiness("b", "1x10 0x10", "0x10 1x10"), nil,
			},
			signal + ", another program does not answer scrapes": {signal, "silent", tells(newer, "a", "2x20") + up("a", "1x20") + up("c", "0x20"), nil},
			signal + ", one is no longer to be scraped":          {signal, "silent", tells(newer, "b", "2x10 stale") + up("b", "1x10 stale"), nil},
			signal + ", nothing is known of pods":                {signal, "silent", tells(newer, "a", "2x10 stale"), nil},
		})
	}
	const queue = `llm_d_epp_flow_control_%s{namespace="llm",pod="a",instance="a:9090",inference_pool="p"} %s` + "\n"
	queues := fmt.Sprintf(queue, "request_enqueue_duration_seconds_count", "0+5x20")
	runPresetCases(t, "epp", map[string]presetCase{
		"queues, and shows none": {"concurrency", "silent", queues, []string{
			`{inference_pool="p", lacks="llm_d_epp_flow_control_queue_size", namespace="llm", pod="a"} 1`,
		}},
		"queues, and shows an empty one": {"concurrency", "silent", queues + fmt.Sprintf(queue, "queue_size", "0x20"), nil},
		"queued once":                    {"concurrency", "silent", fmt.Sprintf(queue, "request_enqueue_duration_seconds_count", "5x20"), nil},
	})
}
