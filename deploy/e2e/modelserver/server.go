package main

import (
	"context"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Each slot has room for a request of this many tokens in the key-value cache.
const (
	tokensPerSlot = 4096
	blockSize     = 16
)

// server counts what is served and what waits.
type server struct {
	registry *prometheus.Registry
	slots    chan struct{}

	running, waiting, cache         prometheus.Gauge
	prompts, generated, success     prometheus.Counter
	promptLengths, generatedLengths prometheus.Histogram
}

func newServer(model string, slots int) *server {
	labels := prometheus.Labels{"model_name": model, "engine": "0"}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels})
	}
	lengths := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: name, Help: help, ConstLabels: labels, Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		})
	}
	finished := prometheus.Labels{"model_name": model, "engine": "0", "finished_reason": "length"}
	info := prometheus.NewGauge(prometheus.GaugeOpts{ //nolint:promlinter // That is how vLLM calls it.
		Name: "vllm:cache_config_info", Help: "Information of the LLMEngine CacheConfig.",
		ConstLabels: prometheus.Labels{
			"engine": "0", "block_size": strconv.Itoa(blockSize), "num_gpu_blocks": strconv.Itoa(slots * tokensPerSlot / blockSize),
		},
	})
	info.Set(1)
	s := &server{
		registry: prometheus.NewRegistry(),
		slots:    make(chan struct{}, slots),

		running: gauge("vllm:num_requests_running", "Number of requests in model execution batches."),
		waiting: gauge("vllm:num_requests_waiting", "Number of requests waiting to be processed."),
		cache:   gauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage."),

		prompts:   counter("vllm:prompt_tokens_total", "Number of prefill tokens processed."),
		generated: counter("vllm:generation_tokens_total", "Number of generation tokens processed."),
		success: prometheus.NewCounter(prometheus.CounterOpts{ //nolint:promlinter // That is how vLLM calls it.
			Name: "vllm:request_success_total", Help: "Count of successfully processed requests.", ConstLabels: finished,
		}),
		promptLengths:    lengths("vllm:request_prompt_tokens", "Number of prefill tokens processed."),
		generatedLengths: lengths("vllm:request_generation_tokens", "Number of generation tokens processed."),
	}
	s.registry.MustRegister(info, s.running, s.waiting, s.cache, s.prompts, s.generated, s.success, s.promptLengths, s.generatedLengths)
	return s
}

// enter waits for a slot, and reports whether there was one before the client went away.
func (s *server) enter(ctx context.Context) bool {
	s.waiting.Inc()
	defer s.waiting.Dec()
	select {
	case s.slots <- struct{}{}:
		s.running.Inc()
		s.cache.Add(1 / (2 * float64(cap(s.slots)))) // requests are half as long as they may be
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *server) leave() {
	s.cache.Sub(1 / (2 * float64(cap(s.slots))))
	s.running.Dec()
	<-s.slots
}

func (s *server) completed(c completion) {
	s.prompts.Add(float64(c.PromptTokens))
	s.generated.Add(float64(c.MaxTokens))
	s.success.Inc()
	s.promptLengths.Observe(float64(c.PromptTokens))
	s.generatedLengths.Observe(float64(c.MaxTokens))
}
