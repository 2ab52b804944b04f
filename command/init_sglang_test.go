package command

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asSGLang is what the servers of a fleet would show if they were SGLang's.
func asSGLang(samples model.Vector) model.Vector {
	names := strings.NewReplacer("vllm:num_requests_running", "sglang:num_running_reqs", "vllm:num_requests_waiting", "sglang:num_queue_reqs",
		"vllm:kv_cache_usage_perc", "sglang:token_usage", "vllm:request_success_total", "sglang:num_requests_total",
		"vllm:request_queue_time_seconds", "sglang:queue_time_seconds", "vllm:request_", "", "vllm:", "sglang:")
	metrics := map[model.Fingerprint]model.Metric{}
	var all model.Vector
	for _, s := range samples {
		id := s.Metric.Fingerprint()
		if metrics[id] == nil {
			m := s.Metric.Clone()
			m[model.MetricNameLabel] = model.LabelValue(names.Replace(string(m[model.MetricNameLabel])))
			if m["engine"] != "" {
				delete(m, "engine")
				m["engine_type"], m["tp_rank"], m["pp_rank"] = "unified", "0", "0"
			}
			metrics[id] = m
		}
		all = append(all, &model.Sample{Metric: metrics[id], Value: s.Value, Timestamp: s.Timestamp})
	}
	return all
}

// TestInitSGLang goes the way of a new user whose servers are SGLang's. What they carry is the same as of the servers in TestInit.
func TestInitSGLang(t *testing.T) {
	url := engineWith(t, asSGLang(newMadeFleet(t).samples))
	file := filepath.Join(t.TempDir(), "variant_exporter.yml")
	code, _, problems := runs(t, "init", "--prometheus.url="+url, "--from=6h", "--output="+file)
	require.Zero(t, code, problems)
	assert.Contains(t, problems, "Found 2 models with 3 variants, by ")
	c := loaded(t, file)
	require.Len(t, c.Models, 2)
	for i := range c.Models {
		m := &c.Models[i]
		assert.Equal(t, "sglang", m.Presets[0], m.Name)
		for j := range m.Variants {
			v := &m.Variants[j]
			assert.Greater(t, v.Capacity["generation_tokens"].Number, 50., v.Name)
			assert.Greater(t, v.Capacity["concurrency"].Number, 1., v.Name)
		}
	}
	llama := &c.Models[1]
	require.Len(t, llama.Variants, 2)
	assert.Greater(t, llama.Variants[0].Capacity["generation_tokens"].Number, 2*llama.Variants[1].Capacity["generation_tokens"].Number)

	code, out, problems := runs(t, "check", "--online", "--online.timeout=30s", file)
	require.Zero(t, code, "%s%s", out, problems)
	code, out, problems = runs(t, "calibrate", "--config.file="+file, "--from=6h", "--slo.itl=40ms")
	require.Zero(t, code, "%s%s", out, problems)
	assert.Contains(t, out, "#   capacity: {concurrency: ")
}
