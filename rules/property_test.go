package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/internal/long"
)

// fleet draws a configuration that can be used, with a gateway for each model.
func fleet(t *rapid.T) string {
	var models []map[string]any
	names := map[string]bool{}
	for i := range rapid.IntRange(1, 4).Draw(t, "models") {
		namespace := rapid.SampledFrom([]string{"llm", "chat"}).Draw(t, "namespace")
		var variants []map[string]any
		for range rapid.IntRange(1, 4).Draw(t, "variants") {
			name := rapid.StringMatching(`[a-zA-Z][a-z0-9]{0,8}([-_.]?[A-Z0-9a-z]){0,3}`).Draw(t, "name")
			key := namespace + strings.ToLower(strings.ReplaceAll(name, "_", "-"))
			if names[key] {
				continue
			}
			names[key] = true
			variants = append(variants, variant(t, name))
		}
		if len(variants) == 0 {
			continue
		}
		models = append(models, map[string]any{
			"name": fmt.Sprintf(`org/model "%d" $1`, i), "namespace": namespace, "presets": []string{"epp"},
			"replicas": map[string]any{"min": rapid.IntRange(0, 1).Draw(t, "minimum")},
			"match":    map[string]any{"inference_pool": fmt.Sprintf("pool-%d", i)}, "variants": variants,
		})
	}
	if len(models) == 0 {
		t.Skip("every name was taken")
	}
	out, err := yaml.Marshal(map[string]any{
		"prometheus": map[string]any{"url": "http://p"}, "models": models,
		"budgets": []map[string]any{{"name": "h100", "unit": "accelerators", "limit": rapid.IntRange(1, 99).Draw(t, "limit")}},
	})
	require.NoError(t, err)
	return string(out)
}

func variant(t *rapid.T, name string) map[string]any {
	least := rapid.IntRange(0, 3).Draw(t, "min")
	replicas := map[string]any{"min": least}
	x := map[string]any{
		"name": name, "cost": rapid.Float64Range(0, 90).Draw(t, "cost"), "replicas": replicas,
		"capacity": map[string]any{"concurrency": rapid.IntRange(1, 500).Draw(t, "capacity")},
		"scale_target": map[string]any{
			"kind": rapid.SampledFrom([]string{"Deployment", "StatefulSet", "LeaderWorkerSet"}).Draw(t, "kind"),
			"name": "w-" + strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(name)),
		},
	}
	if rapid.Bool().Draw(t, "budgeted") {
		x["uses"] = map[string]any{"h100": rapid.IntRange(1, 8).Draw(t, "uses")}
	} else {
		replicas["max"] = least + rapid.IntRange(1, 9).Draw(t, "more")
	}
	if rapid.Bool().Draw(t, "failsafe") {
		x["failsafe"] = map[string]any{"after": "5m", "replicas": least}
	}
	return x
}

// TestManifestsOfAnyConfiguration: whatever can be used makes manifests that can be read, honour the traps, and are the same again.
func TestManifestsOfAnyConfiguration(t *testing.T) {
	t.Cleanup(long.Checks(25, 100))
	rapid.Check(t, func(t *rapid.T) {
		source := fleet(t)
		c, found := config.Load("test.yml", source)
		if found.HasErrors() {
			t.Skip("two workloads of one name") // A LeaderWorkerSet and a StatefulSet, or names that differ in dots only.
		}
		again := parse(t, source)
		for kind, generate := range kinds() {
			m, err := generate(c)
			first := text(t, m, err)
			m, err = generate(again)
			require.Equal(t, first, text(t, m, err), "%s is not the same again", kind)
			switch kind {
			case "hpa":
				requireHPAs(t, c, first)
			case "keda", "keda-metrics-api":
				requireScaledObjects(t, c, first)
			case "adapter":
				requireAdapter(t, first)
			case "rules":
				for _, file := range strict[ruleFile](t, first) {
					for _, g := range file.Groups {
						for _, r := range g.Rules {
							requirePromQL(t, r.Expr)
						}
					}
				}
			default:
				require.NotEmpty(t, strict[map[string]any](t, first))
			}
		}
	})
}
