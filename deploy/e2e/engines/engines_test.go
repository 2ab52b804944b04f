package engines_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/network"
)

const (
	// exact is the bound on what is measured where it is computed by Prometheus' own rules, from other sums of floats.
	exact = 1e-6
	// loose is by how much rates of VictoriaMetrics differ by design.
	loose = 0.025
	// settles is how long gauges may take to follow a change.
	settles = 60 * time.Second
	// watched is how long gauges are watched after stores were killed. Thanos drops a store after ten seconds.
	watched = 40 * time.Second
)

// Levels of the scene. The replicas that run are those that rest needs.
const (
	rest   = 1.0
	raised = 1.5
	sunken = 0.4
)

func TestMain(m *testing.M) {
	code, err := network.Main(m.Run, buildExporter)
	if err != nil {
		fmt.Fprintln(os.Stderr, "engines:", err)
		code = 1
	}
	os.Exit(code)
}

func buildExporter(dir string) (variable string, err error) {
	exporter := filepath.Join(dir, "variant_exporter")
	build := exec.Command("go", "build", "-C", "../../..", "-trimpath", "-o", exporter, ".") //nolint:noctx // It ends when this process does.
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build variant_exporter: %w\n%s", err, out)
	}
	return exporterVariable + "=" + exporter, nil
}

// reference is the engine that all others are compared with.
const reference = "prometheus 2"

// engine is an exporter that asks one.
type engine struct {
	metrics string
	bound   float64
}

// stage is everything, running.
type stage struct {
	writer  *writer
	engines map[string]engine
	twice   string // metrics, from an engine that gives every sample of the pair twice
	kill    func()
}

// TestEngines runs one scene through all engines: first whole, then with stores that are lost.
func TestEngines(t *testing.T) {
	began := time.Now()
	s := newStage(t)
	t.Logf("everything runs after %s", time.Since(began).Round(time.Second))
	for _, scene := range []struct {
		name  string
		level float64
	}{{"rest", rest}, {"raised", raised}, {"sunken", sunken}} {
		t.Run(scene.name, func(t *testing.T) {
			s.move(t, scene.level)
			for _, name := range slices.Sorted(maps.Keys(s.engines)) {
				t.Run(name, func(t *testing.T) { s.agrees(t, name) })
			}
		})
	}
	t.Run("twice", s.toldTwice)
	t.Run("lost", s.lost)
	must(t, s.writer.failed())
	t.Logf("done after %s", time.Since(began).Round(time.Second))
}

// newStage starts all engines and an exporter for each. Prometheus 2 and 3 are a pair that sees the same; two more share the pods.
func newStage(t *testing.T) *stage {
	t.Helper()
	b := newBench(t)
	a, _ := b.prometheus(t, "prometheus-a", "prometheus-2", "{cluster: eu, replica: a}")
	other, otherProcess := b.prometheus(t, "prometheus-b", "prometheus", "{cluster: eu, replica: b}")
	first, _ := b.prometheus(t, "shard-0", "prometheus-2", "{cluster: eu, shard: '0'}")
	second, _ := b.prometheus(t, "shard-1", "prometheus-2", "{cluster: eu, shard: '1'}")
	vm, nodes := b.victoriaMetrics(t, "victoria-metrics"), b.cluster(t)

	const write = "/api/v1/write"
	w := &writer{level: rest, sinks: append(nodes.sinks,
		sink{"prometheus-a", a + write, everything}, sink{"prometheus-b", other + write, everything},
		sink{"shard-0", first + write, withoutOddPods}, sink{"shard-1", second + write, oddPods},
		sink{"victoria-metrics", vm + write, everything})}
	w.start(t)

	storeA, _ := b.sidecar(t, "sidecar-a", a)
	storeB, sidecarB := b.sidecar(t, "sidecar-b", other)
	storeFirst, _ := b.sidecar(t, "sidecar-shard-0", first)
	storeSecond, sidecarSecond := b.sidecar(t, "sidecar-shard-1", second)
	const lenient, strict = "--endpoint", "--endpoint-strict"
	pair := b.query(t, "query-pair", lenient, storeA, storeB)

	// VictoriaMetrics answers late, and from a cache, unless it is told not to.
	const fresh = "?latency_offset=1s&nocache=1"
	s := &stage{writer: w, engines: map[string]engine{}, twice: b.exporter(t, "twice", pair+"?dedup=false")}
	for name, e := range map[string]engine{
		reference:                             {a, exact},
		"prometheus 3":                        {other, exact},
		"victoriametrics single":              {vm + fresh, loose},
		"victoriametrics cluster":             {nodes.url + fresh, loose},
		"victoriametrics cluster that denies": {nodes.url + fresh + "&deny_partial_response=1", loose},
		"thanos over a pair":                  {pair, exact},
		"thanos over a pair, strict":          {b.query(t, "query-pair-strict", strict, storeA, storeB), exact},
		"thanos over shards":                  {b.query(t, "query-shards", lenient, storeFirst, storeSecond), exact},
		"thanos over shards, strict":          {b.query(t, "query-shards-strict", strict, storeFirst, storeSecond), exact},
	} {
		s.engines[name] = engine{b.exporter(t, strings.NewReplacer(" ", "-", ",", "").Replace(name), e.metrics), e.bound}
	}
	s.kill = func() {
		nodes.kill()
		sidecarSecond.Kill()
		w.leave("prometheus-b")
		sidecarB.Kill()
		otherProcess.Kill()
	}
	return s
}

// look scrapes what an engine makes of the scene now.
func (s *stage) look(t *testing.T, name string) (gauges, error) {
	t.Helper()
	return scrape(t.Context(), s.engines[name].metrics)
}

// agrees waits until an engine says what the reference says, which says something.
func (s *stage) agrees(t *testing.T, name string) {
	t.Helper()
	eventually(t, name+" says what "+reference+" says", settles, func() error {
		want, err := s.look(t, reference)
		if err != nil {
			return err
		}
		got, err := s.look(t, name)
		if err != nil {
			return err
		}
		if len(want.desired()) != len(workloads()) {
			return fmt.Errorf("the reference has %d variants, want %d", len(want.desired()), len(workloads()))
		}
		return among(got.differences(want, s.engines[name].bound))
	})
}

// toldTwice requires of a pair that is not deduplicated that its samples count once, or not at all.
func (s *stage) toldTwice(t *testing.T) {
	s.move(t, rest)
	s.atRest(t)
	eventually(t, "what is told twice counts once, or is not known", 10*time.Second, func() error {
		got, err := scrape(t.Context(), s.twice)
		if err != nil {
			return err
		}
		want, err := s.look(t, reference)
		if err != nil {
			return err
		}
		if len(got.of("variant_up")) == 0 {
			return errors.New("there is no answer")
		}
		return among(slices.DeleteFunc(got.desired().differences(want.desired(), 0), func(d string) bool {
			return strings.Contains(d, ": absent,")
		}))
	})
}

// among makes an error of what was found, if anything.
func among(found []string) error {
	if len(found) == 0 {
		return nil
	}
	return errors.New("\n\t" + strings.Join(found, "\n\t"))
}

// atRest requires that everything is known, and that nothing more or less is wanted than runs.
func (s *stage) atRest(t *testing.T) {
	t.Helper()
	eventually(t, "at rest", settles, func() error {
		now, err := s.look(t, reference)
		if err != nil {
			return err
		}
		wanted, current, up := now.desired(), now.of("variant_current_replicas"), now.of("variant_up")
		var wrong []string
		for series, replicas := range current {
			labels := strings.TrimPrefix(series, "variant_current_replicas")
			if want, found := wanted["variant_desired_replicas"+labels]; !found || want != replicas {
				wrong = append(wrong, fmt.Sprintf("%s: %g run, %g wanted", labels, replicas, want))
			}
			if up["variant_up"+labels] != 1 {
				wrong = append(wrong, labels+": not everything is known")
			}
		}
		if len(current) != len(workloads()) {
			wrong = append(wrong, fmt.Sprintf("%d variants, want %d", len(current), len(workloads())))
		}
		return among(wrong)
	})
}

// move changes the level of the scene, and waits until the reference wants something else than before.
func (s *stage) move(t *testing.T, level float64) {
	t.Helper()
	before, err := s.look(t, reference)
	must(t, err)
	if !s.writer.set(level) {
		return
	}
	eventually(t, "the reference follows", settles, func() error {
		now, err := s.look(t, reference)
		if err != nil {
			return err
		}
		if len(now.desired().differences(before.desired(), 0)) == 0 {
			return errors.New("no change")
		}
		return nil
	})
}

// lost kills one of two stores of each engine that has two, and requires that no gauge becomes lower, but that a pair goes on.
func (s *stage) lost(t *testing.T) {
	s.move(t, rest)
	s.atRest(t)
	before, lower := map[string]gauges{}, map[string][]string{}
	watch := []string{
		reference, "victoriametrics cluster", "victoriametrics cluster that denies",
		"thanos over a pair", "thanos over a pair, strict", "thanos over shards", "thanos over shards, strict",
	}
	for _, name := range watch {
		s.agrees(t, name)
		var err error
		before[name], err = s.look(t, name)
		must(t, err)
	}
	s.kill()
	killed := time.Now()
	last := map[string]gauges{}
	for time.Since(killed) < watched {
		for _, name := range watch {
			now, err := s.look(t, name)
			must(t, err)
			last[name] = now.desired()
			if found := last[name].lower(before[name].desired()); len(found) > 0 && lower[name] == nil {
				lower[name] = append(found, fmt.Sprintf("%s after the store was killed", time.Since(killed).Round(time.Second/10)))
			}
		}
		time.Sleep(time.Second / 2)
	}
	for _, name := range watch {
		t.Run(name, func(t *testing.T) {
			t.Logf("at the end %d of %d gauges are there", len(last[name]), len(before[name].desired()))
			if err := among(lower[name]); err != nil {
				t.Error("lower than with all stores:", err)
			}
		})
	}
	t.Run("what the killed store did not have goes on", func(t *testing.T) {
		const batch = `variant_desired_replicas{model="batch",target_namespace="llm",variant="batch-l4"}`
		if _, found := last["thanos over shards"][batch]; !found {
			t.Errorf("%s is absent, and all of it is in the other store", batch)
		}
	})
	t.Run("a pair goes on", func(t *testing.T) {
		for _, level := range []float64{sunken, raised} {
			s.move(t, level)
			s.agrees(t, "thanos over a pair")
		}
	})
}
