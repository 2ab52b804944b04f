package embedded_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/embedded"
)

const vllmText = `# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="llama",engine="0"} 7
vllm:num_requests_running{model_name="llama",engine="1"} 5
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{model_name="llama",engine="0"} 1200
`

const scrapeEverySecond = "global: {scrape_interval: 1s}\nscrape_configs:\n"

func TestRunScrapesStaticTargets(t *testing.T) {
	t.Parallel()
	server := newTarget(t, vllmText)
	engine := open(t, embedded.Config{Scrape: load(t, scrapeEverySecond+`
- job_name: vllm
  static_configs: [{targets: [%q], labels: {pod: llama-0}}]
`, server.address())})
	run(t, engine)

	eventually(t, engine, "sum by (job, pod, model_name) (vllm:num_requests_running)",
		`{job="vllm", model_name="llama", pod="llama-0"} 12`)
	eventually(t, engine, "sum(up)", "{} 1")
}

func TestSeriesEndWithTheTarget(t *testing.T) {
	t.Parallel()
	server := newTarget(t, vllmText)
	engine := open(t, embedded.Config{Scrape: load(t, scrapeEverySecond+`
- job_name: vllm
  static_configs: [{targets: [%q]}]
`, server.address())})
	run(t, engine)
	eventually(t, engine, "count(vllm:num_requests_running)", "{} 2")

	t.Run("a series the target no longer shows", func(t *testing.T) {
		text := `vllm:num_requests_running{model_name="llama",engine="0"} 7` + "\n"
		server.text.Store(&text)
		eventually(t, engine, "count(vllm:num_requests_running)", "{} 1")
	})
	t.Run("a target that fails", func(t *testing.T) {
		server.status.Store(http.StatusInternalServerError)
		eventually(t, engine, "count(vllm:num_requests_running) or sum(up)", "{} 0")
	})
}

func TestApplyConfigKeepsSamples(t *testing.T) {
	t.Parallel()
	first, second := newTarget(t, "first 1\n"), newTarget(t, "second 2\n")
	const job = scrapeEverySecond + "- {job_name: %s, static_configs: [{targets: [%q]}]}\n"
	engine := open(t, embedded.Config{Scrape: load(t, job, "one", first.address())})
	run(t, engine)
	eventually(t, engine, "sum(first)", "{} 1")

	require.NoError(t, engine.ApplyConfig(load(t, job, "two", second.address())))
	eventually(t, engine, "sum(second)", "{} 2")
	eventually(t, engine, "sum(max_over_time(first[1h]))", "{} 1")

	broken := load(t, scrapeEverySecond+`
- {job_name: three, tls_config: {ca_file: /nonexistent/ca.crt}, static_configs: [{targets: [%q]}]}
`, first.address())
	require.ErrorContains(t, engine.ApplyConfig(broken), `scrape job "three": `)
	later := fmt.Sprintf("count(timestamp(second) > %f)", float64(time.Now().UnixMilli())/1000)
	eventually(t, engine, later, "{} 1")
	require.EqualError(t, engine.ApplyConfig(nil), "no scrape configuration")
}

func TestRunFollowsTargetFiles(t *testing.T) {
	t.Parallel()
	first, second := newTarget(t, "load 1\n"), newTarget(t, "load 2\n")
	path := filepath.Join(t.TempDir(), "targets.json")
	point := func(server *target) {
		require.NoError(t, os.WriteFile(path+".new", []byte(`[{"targets": ["`+server.address()+`"]}]`), 0o600))
		require.NoError(t, os.Rename(path+".new", path))
	}
	point(first)
	engine := open(t, embedded.Config{Scrape: load(t, scrapeEverySecond+`
- {job_name: files, file_sd_configs: [{files: [%q]}]}
`, path)})
	run(t, engine)
	eventually(t, engine, "sum(load)", "{} 1")

	point(second)
	eventually(t, engine, "sum(load)", "{} 2")
}

// otherDiscovery stands for the discovery mechanisms that Prometheus has and this engine does not.
type otherDiscovery struct{ discovery.StaticConfig }

func (otherDiscovery) Name() string { return "kubernetes" }

func TestNewRefusesOtherDiscovery(t *testing.T) {
	cfg := load(t, scrapeEverySecond+"- {job_name: pods}\n")
	cfg.ScrapeConfigs[0].ServiceDiscoveryConfigs = discovery.Configs{otherDiscovery{discovery.StaticConfig{&targetgroup.Group{}}}}
	_, err := embedded.New(embedded.Config{Scrape: cfg})
	require.EqualError(t, err,
		`scrape job "pods": kubernetes_sd_configs is not supported here: static_configs and file_sd_configs are`)
}

func TestRunEndsWithItsContextAndOnlyOnce(t *testing.T) {
	engine := open(t, embedded.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.NoError(t, engine.Run(ctx))
	require.EqualError(t, engine.Run(t.Context()), "the embedded engine scrapes, or has scraped, already")
	require.NoError(t, engine.Close())
	require.EqualError(t, engine.Run(t.Context()), "the embedded engine is closed")
}

// TestLimitsOfTargets: a job without limits gets some, and keeps those that it has.
func TestLimitsOfTargets(t *testing.T) {
	cfg := load(t, `
global: {sample_limit: 7}
scrape_configs:
- {job_name: own, body_size_limit: 1GB}
- {job_name: none}
`)
	open(t, embedded.Config{Scrape: cfg})
	jobs, err := cfg.GetScrapeConfigs()
	require.NoError(t, err)
	require.EqualValues(t, 1<<30, jobs[0].BodySizeLimit)
	require.EqualValues(t, 7, jobs[0].SampleLimit)
	require.EqualValues(t, embedded.DefaultBodySizeLimit, jobs[1].BodySizeLimit)

	cfg = load(t, "scrape_configs: [{job_name: none}]")
	open(t, embedded.Config{Scrape: cfg})
	jobs, err = cfg.GetScrapeConfigs()
	require.NoError(t, err)
	require.EqualValues(t, embedded.DefaultSampleLimit, jobs[0].SampleLimit)
}
