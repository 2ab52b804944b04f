package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"text/template"
	"time"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/cluster"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/load"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/observe"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/pods"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/process"
)

// How fast the chain is: as fast as it goes, because nothing that is tested depends on it.
const (
	scrapeInterval = time.Second
	syncInterval   = time.Second
	startup        = 3 * time.Second // of a pod
)

// Addresses of what is started here; those of the cluster are its own.
const (
	exporterAddress = "127.0.0.1:18270"
	secondAddress   = "127.0.0.1:18271"
	gatewayAddress  = "127.0.0.1:18080"
)

// chain is everything, running.
type chain struct {
	*cluster.Cluster
	logs     string
	group    *process.Group
	programs string // directory of the programs built here
	config   string // of the exporter
	recorder *observe.Recorder
	servers  *pods.Servers
	prices   *prices

	chat, batch, code, teamB *load.Pool

	prometheus, exporter *process.Process
}

// slots are requests that a replica serves at once: the capacities of the configuration.
func slots() map[string]int {
	return map[string]int{"chat-l4": 4, "chat-h100": 10, "batch-l4": 4, "code-reserved": 4, "code-spot": 4}
}

// newChain starts everything but what serves external metrics.
func newChain(t *testing.T) *chain {
	t.Helper()
	began := time.Now()
	c := &chain{
		logs: logDirectory(t), prices: newPrices(),
		chat: load.NewPool("llm", "chat", "chat"), batch: load.NewPool("llm", "batch", "batch"),
		code: load.NewPool("llm", "code", "code"), teamB: load.NewPool("team-b", "chat", "chat"),
	}
	c.programs = os.Getenv(programsVariable)
	c.group = process.NewGroup(c.logs)
	t.Cleanup(c.group.Stop)
	var err error
	c.Cluster, err = cluster.Start(t.Context(), cluster.Options{
		Dir: t.TempDir(), Parts: cluster.NewParts("./build.sh"), Group: c.group, Now: time.Now(), Sync: syncInterval, Startup: startup,
	})
	must(t, err)
	t.Logf("control plane up after %s", time.Since(began).Round(time.Second/10))
	c.recorder, err = observe.NewRecorder(t.Context(), c.Client, time.Now)
	must(t, err)
	c.config, err = filepath.Abs("testdata/variant_exporter.yml")
	must(t, err)
	c.startPods(t)
	c.startMonitoring(t)
	t.Cleanup(func() { c.diagnose(t) })
	t.Logf("metrics up after %s", time.Since(began).Round(time.Second/10))
	return c
}

// startPods deploys the workloads, and what runs in their pods.
func (c *chain) startPods(t *testing.T) {
	t.Helper()
	var err error
	c.servers, err = pods.Start(t.Context(), c.Client, pods.Options{
		Program: c.program("modelserver"), Group: c.group, Slots: slots(),
		Pools: map[string]*load.Pool{"llm.chat": c.chat, "llm.batch": c.batch, "llm.code": c.code, "team-b.chat": c.teamB},
	})
	must(t, err)
	t.Cleanup(c.servers.Wait)
	for _, namespace := range []string{"llm", "team-b"} {
		must(t, c.Namespace(t.Context(), namespace))
	}
	// None starts with 0 replicas but those that are to stay there: an HPA wakes only what it put to zero itself.
	c.deploy(t, deployment{"llm", "chat-l4", "llm.chat", 1})
	c.deploy(t, deployment{"llm", "chat-h100", "llm.chat", 1})
	c.deploy(t, deployment{"llm", "batch-l4", "llm.batch", 1})
	c.deploy(t, deployment{"llm", "code-reserved", "llm.code", 1})
	c.deploy(t, deployment{"llm", "code-spot", "llm.code", 1})
	c.deploy(t, deployment{"team-b", "chat-l4", "team-b.chat", 1})
}

type deployment struct {
	Namespace, Name, Pool string
	Replicas              int
}

func (c *chain) deploy(t *testing.T, d deployment) {
	t.Helper()
	parsed, err := template.ParseFiles("testdata/deployment.yaml.tmpl")
	must(t, err)
	var manifest bytes.Buffer
	must(t, parsed.Execute(&manifest, d))
	must(t, c.Apply(t.Context(), manifest.Bytes()))
}

// startMonitoring starts the gateways, Prometheus with what it scrapes, and the exporter.
func (c *chain) startMonitoring(t *testing.T) {
	t.Helper()
	all := []*load.Pool{c.chat, c.batch, c.code, c.teamB}
	t.Cleanup(func() {
		for _, pool := range all {
			pool.SetUsers(0)
		}
	})
	mux := http.NewServeMux()
	mux.Handle("/", load.Handler(all...))
	mux.Handle("GET /prices/metrics", c.prices)
	mux.Handle("GET /pods", c.servers)
	serve(t, gatewayAddress, mux)
	rules := c.file(t, "rules.yml", c.generate(t, "rules"))
	must(t, c.StartKubeStateMetrics(t.Context()))
	must(t, c.ConfigurePrometheus(cluster.Monitoring{
		Scrape: scrapeInterval, Pods: "http://" + gatewayAddress + "/pods", Exporters: []string{exporterAddress, secondAddress}, Rules: []string{rules},
		Gateways: []cluster.GatewayTarget{
			gateway("llm", c.chat.MetricsPath()),
			gateway("llm", c.batch.MetricsPath()),
			gateway("llm", c.code.MetricsPath()),
			gateway("team-b", c.teamB.MetricsPath()),
			gateway("finance", "/prices/metrics"),
		},
	}))
	c.restartPrometheus(t)
	c.exporter = c.startExporter(t, "exporter", exporterAddress)
}

func gateway(namespace, path string) cluster.GatewayTarget {
	return cluster.GatewayTarget{Namespace: namespace, Address: gatewayAddress, Path: path}
}

func (c *chain) restartPrometheus(t *testing.T) {
	t.Helper()
	var err error
	c.prometheus, err = c.StartPrometheus(t.Context())
	must(t, err)
}

func (c *chain) startExporter(t *testing.T, name, address string) *process.Process {
	t.Helper()
	p, err := c.group.Start(process.Command{Name: name, Path: c.program("variant_exporter"), Args: []string{
		"serve", "--config.file=" + c.config, "--web.listen-address=" + address,
	}})
	must(t, err)
	must(t, cluster.Eventually(t.Context(), "the exporter answers", time.Minute, func(ctx context.Context) error {
		if err := p.Err(); err != nil {
			return err
		}
		return cluster.Answers("http://" + address + "/-/healthy")(ctx)
	}))
	return p
}

// generate returns what the exporter makes of its configuration.
func (c *chain) generate(t *testing.T, kind string, flags ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.program("variant_exporter"), append([]string{"generate", kind, "--config.file=" + c.config}, flags...)...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("generate %s: %v\n%s", kind, err, &problems)
	}
	return out
}

// file keeps a text in a file, among the logs so that it can be read when something fails.
func (c *chain) file(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(c.logs, name)
	must(t, os.WriteFile(path, text, 0o600))
	return path
}

// programsVariable names the directory of the programs to the tests.
const programsVariable = "VARIANT_EXPORTER_E2E_PROGRAMS"

// buildPrograms builds the exporter as it is in this work tree, and what the tests need, into a directory.
func buildPrograms(ctx context.Context, dir string) error {
	for name, at := range map[string]string{
		"variant_exporter": "../..", "modelserver": "modelserver", "externalmetrics": "externalmetrics", "render": "../charttest/render",
	} {
		cmd := exec.CommandContext(ctx, "go", "build", "-C", at, "-trimpath", "-o", filepath.Join(dir, name), ".")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// program is where a program built here is.
func (c *chain) program(name string) string { return filepath.Join(c.programs, name) }

// logDirectory is where everything writes. It stays when the test fails.
func logDirectory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "variant_exporter-e2e-") //nolint:usetesting // It must outlive a test that fails.
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs and generated files are in %s", dir)
			return
		}
		must(t, os.RemoveAll(dir))
	})
	return dir
}

func serve(t *testing.T, address string, handler http.Handler) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	must(t, err)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
