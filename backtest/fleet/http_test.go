package fleet_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/backtest/fleet"
)

// TestHandler asks every target of a fleet for its metrics.
func TestHandler(t *testing.T) {
	t.Parallel()
	f := newFleet(t, oneModel(fleet.Constant(10), server("a", 1)))
	f.Advance(at(20))
	if err := f.Scale("a", 2); err != nil {
		t.Fatal(err)
	}
	pods := f.Status().Pods
	ready, starting := pods[0].Name, pods[1].Name
	for path, tc := range map[string]struct {
		code int
		want string // a metric family
	}{
		"/pods/" + ready + "/metrics":    {http.StatusOK, "vllm:num_requests_running"},
		"/pods/" + starting + "/metrics": {http.StatusServiceUnavailable, ""},
		"/pods/gone/metrics":             {http.StatusNotFound, ""},
		"/gateways/ns/pool/metrics":      {http.StatusOK, "llm_d_epp_request_running"},
		"/gateways/other/pool/metrics":   {http.StatusNotFound, ""},
		"/kube-state-metrics/metrics":    {http.StatusOK, "kube_deployment_status_replicas"},
		"/metrics":                       {http.StatusNotFound, ""},
	} {
		response := httptest.NewRecorder()
		fleet.Handler(f).ServeHTTP(response, httptest.NewRequest(http.MethodGet, path, nil))
		if response.Code != tc.code {
			t.Errorf("%s: code %d, want %d: %s", path, response.Code, tc.code, response.Body)
		}
		if tc.code != http.StatusOK {
			continue
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(response.Body)
		if err != nil || families[tc.want] == nil {
			t.Errorf("%s: no family %s (error %v)", path, tc.want, err)
		}
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	f := newFleet(t, oneModel(fleet.Constant(0), server("a", 1)))
	pod := f.Status().Pods[0].Name
	file := filepath.Join(t.TempDir(), "targets.json")
	for range 2 { // the second time there is a file already
		if err := fleet.WriteTargets(file, f.Status().Targets("127.0.0.1:1234")); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []fleet.TargetGroup
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	address := []string{"127.0.0.1:1234"}
	want := []fleet.TargetGroup{
		{Targets: address, Labels: map[string]string{
			"__metrics_path__": "/kube-state-metrics/metrics", "job": "kube-state-metrics", "instance": "kube-state-metrics:8080",
		}},
		{Targets: address, Labels: map[string]string{
			"__metrics_path__": "/gateways/ns/pool/metrics", "job": "epp", "instance": "pool-epp:9090", "namespace": "ns", "pod": "pool-epp-0",
		}},
		{Targets: address, Labels: map[string]string{
			"__metrics_path__": "/pods/" + pod + "/metrics", "job": "vllm", "instance": pod + ":8000", "namespace": "ns", "pod": pod,
			"llm_d_ai_variant": "a",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); len(left) != 1 {
		t.Errorf("files beside the targets: %v", left)
	}
	if err := fleet.WriteTargets(filepath.Join(file, "no-directory"), nil); err == nil || !strings.HasPrefix(err.Error(), "write scrape targets: ") {
		t.Errorf("a place that cannot be written to: %v", err)
	}
}

// TestRunnerServes runs a fleet over real HTTP: the targets file leads to answers, follows the pods, and all stops in the end.
func TestRunnerServes(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	listener, err := fleet.Listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	f := newFleet(t, oneModel(fleet.Constant(10), server("a", 1)))
	file := filepath.Join(t.TempDir(), "targets.json")
	runner := &fleet.Runner{Fleet: f, Clock: time.Now, Speed: 50, Listener: listener, TargetsFile: file}
	stopped := make(chan error, 1)
	go func() { stopped <- runner.Run(ctx) }()

	ready := func(want int) bool {
		groups := readTargets(file)
		if len(groups) != 2+want {
			return false
		}
		for _, g := range groups {
			if code, body := get(ctx, "http://"+g.Targets[0]+g.Labels["__metrics_path__"]); code != http.StatusOK || len(body) == 0 {
				return false
			}
		}
		return true
	}
	for _, replicas := range []int{1, 3, 2} {
		if err := f.Scale("a", replicas); err != nil {
			t.Fatal(err)
		}
		poll := time.NewTicker(10 * time.Millisecond)
		for !ready(replicas) {
			select {
			case <-ctx.Done():
				t.Fatalf("%d replicas: the targets are %+v", replicas, readTargets(file))
			case <-poll.C:
			}
		}
		poll.Stop()
	}
	cancel()
	if err := <-stopped; err != nil {
		t.Errorf("stopped with %v", err)
	}
	if code, _ := get(t.Context(), "http://"+listener.Addr().String()+"/kube-state-metrics/metrics"); code != 0 {
		t.Errorf("stopped, but it answers %d", code)
	}
}

// TestRunnerFails: a runner that cannot list its targets or serve them says so and stops.
func TestRunnerFails(t *testing.T) {
	t.Parallel()
	for want, prepare := range map[string]func(r *fleet.Runner){
		"write scrape targets: ":                func(r *fleet.Runner) { r.TargetsFile = filepath.Join(t.TempDir(), "missing", "targets.json") },
		"serve the simulated fleet's metrics: ": func(r *fleet.Runner) { _ = r.Listener.Close() },
	} {
		listener, err := fleet.Listen(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r := &fleet.Runner{Fleet: newFleet(t, oneModel(fleet.Constant(0))), Clock: time.Now, Listener: listener}
		prepare(r)
		if err := r.Run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want an error that begins with %q", err, want)
		}
	}
}

func readTargets(file string) (groups []fleet.TargetGroup) {
	if content, err := os.ReadFile(file); err == nil {
		_ = json.Unmarshal(content, &groups)
	}
	return groups
}

// get returns the code 0 when nobody answers.
func get(ctx context.Context, url string) (code int, body []byte) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(response.Body)
	if err != nil {
		return 0, nil
	}
	return response.StatusCode, body
}
