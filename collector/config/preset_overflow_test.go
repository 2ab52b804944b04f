package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPresetQuantileAboveTheBuckets: where more than a tenth of a pod's requests are above its largest finite bucket, as when a relabelling
// drops the large ones, or none of the finite buckets is there, the pod's quantile is not known, and the pod is told as one that shows only a
// part.
func TestPresetQuantileAboveTheBuckets(t *testing.T) {
	for presetName, metrics := range map[string]map[string]string{
		"vllm":   {"ttft": "vllm:time_to_first_token_seconds_bucket", "itl": "vllm:inter_token_latency_seconds_bucket"},
		"trtllm": {"ttft": "trtllm_time_to_first_token_seconds_bucket", "itl": "trtllm_time_per_output_token_seconds_bucket"},
		"tgi":    {"itl": "tgi_request_mean_time_per_token_duration_bucket"},
		"sglang": {"ttft": "sglang_time_to_first_token_seconds_bucket", "itl": "sglang:inter_token_latency_seconds_bucket"},
	} {
		for signal, metric := range metrics {
			t.Run(presetName+" "+signal, func(t *testing.T) {
				silent := signalOf(t, preset(t, presetName, signal), signal).Silent.String()
				var series strings.Builder
				for pod, finite := range map[string]string{"most": "0+95x48", "few": "0+80x48", "idle": "0x48"} {
					all := "0+100x48"
					if pod == "idle" {
						all = "0x48"
					}
					labels := `{namespace="llm",model_name="m",pod="` + pod + `",le="`
					fmt.Fprintf(&series, "%[1]s0.5\"} 0x48\n%[1]s2\"} %[2]s\n%[1]s+Inf\"} %[3]s\n", metric+labels, finite, all)
				}
				fmt.Fprintf(&series, "%s\n", metric+`{namespace="llm",model_name="m",pod="none",le="+Inf"} 0+100x48`)
				require.Equal(t, []string{"few", "none"}, podsIn(evaluateAt(t, 10*time.Minute, series.String(), silent)))
			})
		}
	}
}
