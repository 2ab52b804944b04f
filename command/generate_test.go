package command

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// documented are the commands that make manifests on a page, without what their output is sent to.
func documented(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", page))
	require.NoError(t, err)
	joined := regexp.MustCompile(` \\\n\s+`).ReplaceAllString(string(text), " ")
	var commands []string
	for _, m := range regexp.MustCompile(`(?m)^    variant_exporter (generate [^|>#\n]+)`).FindAllStringSubmatch(joined, -1) {
		commands = append(commands, strings.TrimSpace(m[1]))
	}
	require.NotEmpty(t, commands)
	return commands
}

// TestDocumentedCommands runs what the pages tell people to type, on the configuration that the page on migration begins with.
func TestDocumentedCommands(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "migration.md"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "```yaml\nprometheus:")
	require.True(t, found)
	block, _, _ := strings.Cut(rest, "```")
	file := filepath.Join(t.TempDir(), "variant_exporter.yml")
	require.NoError(t, os.WriteFile(file, []byte("prometheus:"+block), 0o600))
	pages := map[string][]string{}
	for _, page := range []string{"generate.md", "migration.md"} {
		pages[page] = documented(t, page)
	}
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("present.yml", []byte("rules: {default: false}\n"), 0o600))
	for page, commands := range pages {
		for _, command := range commands {
			t.Run(page+"/"+command, func(t *testing.T) {
				var out, complaints bytes.Buffer
				args := append(strings.Fields(command), "--config.file="+file)
				code := Run(t.Context(), args, Streams{strings.NewReader(""), &out, &complaints})
				require.Equal(t, exitOK, code, complaints.String())
				for line := range strings.Lines(complaints.String()) {
					note, found := strings.CutPrefix(line, "note: ")
					require.True(t, found, line)
					require.Contains(t, out.String(), "# "+note, "a note is also in the manifest")
					require.Equal(t, 1, strings.Count(complaints.String(), line), line)
				}
				require.Contains(t, out.String(), "# Made by: variant_exporter "+command+" --config.file=", "the comment repeats the command")
			})
		}
	}
}

// TestGenerateRefusesFlags is about what Kubernetes would not take, or an alert would take for an autoscaler that does not follow.
func TestGenerateRefusesFlags(t *testing.T) {
	for name, tc := range map[string]struct{ refused, taken string }{
		"name of an object":  {"rules --name=Variant_Exporter", "rules --name=variant.exporter-1"},
		"name of a map":      {"adapter --name=-a", "adapter --name=a"},
		"name of monitors":   {"podmonitor --name=a..b", "podmonitor --name=a.b"},
		"no name":            {"servicemonitor --name=", "servicemonitor --name=a"},
		"a long name":        {"rules --name=" + strings.Repeat("a", 254), "rules --name=" + strings.Repeat("a", 253)},
		"namespace":          {"rules --namespace=a.b", "rules --namespace=a-b"},
		"namespace of a map": {"adapter --namespace=A", "adapter --namespace=a"},
		"label of pods":      {"podmonitor --pod-label=a/b/c", "podmonitor --pod-label=llm-d.ai/variant"},
		"port of pods":       {"podmonitor --port=8000/tcp", "podmonitor --port=http-8000"},
		"port of a Service":  {"servicemonitor --port=HTTP", "servicemonitor --port=web"},
		"stabilization":      {"keda --scale-down.stabilization=15m1s", "keda --scale-down.stabilization=15m"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("..", "deploy", "examples", "three-variants", "variant_exporter.yml")
			for command, want := range map[string]int{tc.refused: exitUsage, tc.taken: exitOK} {
				var out, complaints bytes.Buffer
				args := append([]string{"generate"}, append(strings.Fields(command), "--config.file="+file)...)
				require.Equal(t, want, Run(t.Context(), args, Streams{strings.NewReader(""), &out, &complaints}), "%s: %s", command, complaints.String())
				require.Equal(t, want == exitOK, !strings.Contains(complaints.String(), "error"), complaints.String())
			}
		})
	}
}

// TestGenerateOnline makes no autoscaler for a gauge that is not there.
func TestGenerateOnline(t *testing.T) {
	gauge := &model.Sample{Metric: metricOf("variant_desired_replicas", "variant", "a", "target_namespace", "llm"), Value: 1, Timestamp: model.Now()}
	file := write(t, filepath.Join(t.TempDir(), "config.yml"), `
prometheus: {url: "`+engineWith(t, model.Vector{gauge})+`"}
models:
  - name: m
    namespace: llm
    presets: [vllm]
    variants:
      - {name: a, cost: 1, capacity: {concurrency: 1, generation_tokens: 1}, replicas: {max: 2}}
`)
	for _, kind := range []string{"keda", "hpa"} {
		code, out, problems := runs(t, "generate", kind, "--online", "--config.file="+file)
		require.Zero(t, code, problems)
		require.Contains(t, out, "name: a\n")
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	write(t, file, string(text)+"      - {name: b, cost: 1, capacity: {concurrency: 1, generation_tokens: 1}, replicas: {max: 2}}\n")
	code, out, problems := runs(t, "generate", "keda", "--online", "--config.file="+file)
	require.Equal(t, exitFailure, code)
	require.Empty(t, out)
	require.Contains(t, problems, "has no variant_desired_replicas for llm/b: run the exporter")
}
