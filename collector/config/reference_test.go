package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

const (
	reference         = "../../docs/configuration.md"
	referenceExamples = "testdata/examples"
)

// chapter is a part of the reference: the keys of one type, and the file that shows them.
type chapter struct {
	title, anchor, intro string
	typ                  reflect.Type
	example, key         string // a file of testdata/examples, and the section of it that is shown
}

func chapters() []chapter {
	return []chapter{
		{
			"The file", "the-file", "A configuration is one YAML file. The smallest that does something:",
			reflect.TypeFor[Config](), "minimal", "",
		},
		{"prometheus", "prometheus", "", reflect.TypeFor[Prometheus](), "prometheus", "prometheus"},
		{"global and scrape_configs", "global-and-scrape_configs", "Without `prometheus` the exporter scrapes the targets itself and keeps their samples in " +
			"process. Both sections are [Prometheus' own](https://prometheus.io/docs/prometheus/latest/configuration/configuration/); targets come from " +
			"`static_configs` and `file_sd_configs`. A job that sets no `body_size_limit` has 8 MiB, and one that sets no `sample_limit` has 50,000: the scrape of a target that exposes more fails. So does one with new series while those in memory would take more than half of Go's memory limit at 2 KiB each (at least 50,000, at most 1,000,000 series): it is counted in `variant_exporter_refused_scrapes_total` and logged once a minute, and after at most ten minutes what was not scraped lately makes room. A target with few series (a fiftieth of the limit) is taken all the same, up to an eighth above the limit, so a new pod is scraped while another target fills the memory.", nil, "embedded", "scrape_configs"},
		{"labels", "labels", "", reflect.TypeFor[LabelNames](), "labels", "labels"},
		{"defaults", "defaults", "What models use unless they say otherwise.", reflect.TypeFor[Tuning](), "defaults", "defaults"},
		{
			"defaults: forecast", "defaults-forecast", "Capacity that is ready when the load arrives: what is planned for is the larger of what " +
				"was measured and what is foreseen.", reflect.TypeFor[Forecast](), "forecast", "defaults",
		},
		{
			"defaults: backlog", "defaults-backlog", "What waits is work to be done once. It is planned for in addition to the demand, as far as what " +
				"serves and what starts do not work it off within this time.", reflect.TypeFor[Backlog](), "", "",
		},
		{
			"defaults: limits on change", "defaults-limits", "A limit counts the replicas that the scale target had within that time, from the history in " +
				"Prometheus: it does not matter how often the exporter is scraped. See [guards.md](guards.md).",
			reflect.TypeFor[ChangeLimit](), "guards", "defaults",
		},
		{"scale_targets", "scale_targets", "", reflect.TypeFor[ScaleTargets](), "scale_targets", "scale_targets"},
		{"scale_targets: labels", "scale_targets-labels", "", reflect.TypeFor[TargetLabels](), "", ""},
		{
			"energy_price", "energy_price", "Currency per kWh. With `uses: {power: 700}` a replica's cost rises by 0.7 times this.",
			nil, "energy_price", "energy_price",
		},
		{
			"signals", "signals", "A signal is one measure of load: what is demanded of a model, and what a replica of a variant carries. Signals come from " +
				"presets, or are given here, by name.", reflect.TypeFor[Signal](), "signals", "signals",
		},
		{"budgets", "budgets", "", reflect.TypeFor[Budget](), "budgets", "budgets"},
		{"models", "models", "", reflect.TypeFor[Model](), "models", "models"},
		{
			"models: replicas", "models-replicas", "A minimum may follow a schedule, or whatever else PromQL can tell. See " +
				"[guards.md](guards.md#minimums-that-change).", reflect.TypeFor[ModelReplicas](), "replicas", "models",
		},
		{
			"models: slo", "models-slo", "Targets for the signal `latency`: a replica's capacity is then the largest rate of requests at which it keeps them, " +
				"by its profile. See [latency.md](latency.md).", reflect.TypeFor[SLO](), "latency", "models",
		},
		{"variants", "variants", "", reflect.TypeFor[Variant](), "variants", "models"},
		{"variants: scale_target", "variants-scale_target", "", reflect.TypeFor[ScaleTarget](), "", ""},
		{
			"variants: failsafe", "variants-failsafe", "Without it, autoscalers hold where nothing is known. See [guards.md](guards.md).",
			reflect.TypeFor[Failsafe](), "failsafe", "models",
		},
		{"variants: profile", "variants-profile", "", reflect.TypeFor[Profile](), "", ""},
		{"variants: profile: chunk", "variants-profile-chunk", "", reflect.TypeFor[Chunk](), "", ""},
		{"variants: replicas", "variants-replicas", "", reflect.TypeFor[VariantReplicas](), "", ""},
		{
			"Quantities", "quantities", "A quantity is a number of 0 or more, or an expression in its place, asked at every evaluation. A mapping says more:",
			reflect.TypeFor[queryQuantity](), "quantities", "models",
		},
	}
}

// notation says what is written for a type.
func notation(t reflect.Type) string {
	link := func(s chapter) string { return "[" + s.title + "](#" + s.anchor + ")" }
	if enum, ok := reflect.TypeAssert[strict.Enumeration](reflect.New(t).Elem()); ok {
		return strings.Join(enum.Values(), ", ")
	}
	switch t {
	case reflect.TypeFor[Expr]():
		return "PromQL"
	case reflect.TypeFor[Duration]():
		return "duration"
	case reflect.TypeFor[Headroom]():
		return "number, PromQL or auto"
	case reflect.TypeFor[Minimum]():
		return "whole [quantity](#quantities)"
	case reflect.TypeFor[Seconds]():
		return "time"
	case reflect.TypeFor[Regexp]():
		return "regular expression"
	case reflect.TypeFor[Selector]():
		return "matchers, as in PromQL"
	case reflect.TypeFor[Strings]():
		return "text, or a list of them"
	case reflect.TypeFor[Quantity]():
		return "[quantity](#quantities)"
	case reflect.TypeFor[Quantities]():
		return "[quantity](#quantities), or a list of them"
	case reflect.TypeFor[Raw]():
		return "[Prometheus' own](#global-and-scrape_configs)"
	case reflect.TypeFor[HTTPConfig]():
		return "[Prometheus' own](https://prometheus.io/docs/prometheus/latest/configuration/configuration/#http_config)"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return notation(t.Elem())
	case reflect.Slice:
		return "list of " + notation(t.Elem())
	case reflect.Map:
		return "name: " + notation(t.Elem())
	case reflect.Struct:
		all := chapters()
		if i := slices.IndexFunc(all, func(s chapter) bool { return s.typ == t }); i >= 0 {
			return link(all[i])
		}
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "whole number"
	case reflect.Float64:
		return "number"
	case reflect.String:
		return "text"
	default:
	}
	panic("the reference has no word for " + t.String())
}

// excerpt returns the lines of a file that a key at the top has, all of it without a key.
func excerpt(t *testing.T, name, key string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(referenceExamples, name+".yml"))
	require.NoError(t, err)
	c, found := Load(name+".yml", string(text))
	require.NotNil(t, c, "%s", found)
	require.Empty(t, found, "an example has no doubtful parts")
	if key == "" {
		return string(text)
	}
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal(text, &document))
	lines := strings.SplitAfter(string(text), "\n")
	content := document.Content[0].Content
	for i := 0; i < len(content); i += 2 {
		if content[i].Value != key {
			continue
		}
		end := len(lines)
		if i+2 < len(content) {
			end = content[i+2].Line - 1
		}
		return strings.Join(lines[content[i].Line-1:end], "")
	}
	t.Fatalf("%s has no %s", name, key)
	return ""
}

func TestReferenceIsCurrent(t *testing.T) {
	var b strings.Builder
	b.WriteString(`<!-- Made from the types of collector/config by "go test ./collector/config -run Reference -update". DO NOT EDIT. -->

# Configuration

` + "`variant_exporter check --config.file=FILE`" + ` reads a file and says what is wrong with it, where, and what would be right.
` + "`variant_exporter check --schema`" + ` prints a JSON Schema for editors. Unknown keys are mistakes; a key without a value leaves its default in
place. Durations are written as Prometheus writes them: 90s, 5m, 1h30m. PromQL is checked when the file is read, at most ` +
		strconv.Itoa(maxExpr) + ` characters.
`)
	for _, s := range chapters() {
		fmt.Fprintf(&b, "\n<a id=%q></a>\n\n## %s\n", s.anchor, s.title)
		if s.intro != "" {
			fmt.Fprintf(&b, "\n%s\n", s.intro)
		}
		if s.example != "" {
			fmt.Fprintf(&b, "\n```yaml\n%s```\n", excerpt(t, s.example, s.key))
		}
		if s.typ == nil {
			continue
		}
		b.WriteString("\n| key | value | |\n|---|---|---|\n")
		for _, f := range strict.Fields(s.typ) {
			require.NotEmpty(t, f.Doc, "%s.%s", s.typ, f.Name)
			required := ""
			if f.Required {
				required = " **Required.**"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s%s |\n", f.Name, notation(f.Type), strings.ReplaceAll(f.Doc, "|", `\|`), required)
		}
	}
	presetReference(t, &b)
	if flag.Lookup("update").Value.String() == "true" { // defined in golden_test.go
		require.NoError(t, os.MkdirAll(filepath.Dir(reference), 0o755))
		require.NoError(t, os.WriteFile(reference, []byte(b.String()), 0o644))
	}
	current, err := os.ReadFile(reference)
	require.NoError(t, err)
	require.Equal(t, b.String(), string(current), "run go test ./collector/config -update")
}

// presetReference lists the presets and their signals.
func presetReference(t *testing.T, b *strings.Builder) {
	t.Helper()
	b.WriteString("\n<a id=\"presets\"></a>\n\n## Presets\n\nReady signals, to name in a model's `presets`. `variant_exporter presets show NAME` prints the expressions of one; [presets.md](presets.md) says " +
		"what they mean and when to use which.\n" +
		"\n| preset | signal | unit | form | what it is |\n|---|---|---|---|---|\n")
	names := LabelNames{Namespace: defaultNamespaceName, Model: defaultModelName, Variant: defaultVariantName}
	for _, name := range modelPresets() {
		p, err := loadPreset(name, PresetOptions{Labels: names})
		require.NoError(t, err)
		for _, key := range sortedKeys(p.Signals) {
			s := p.Signals[key]
			form := "demand"
			switch {
			case !s.Latency.IsZero():
				form = "latency"
			case !s.Usage.IsZero():
				form = "usage"
			}
			if s.Capacity.Set {
				form += ", brings its capacity"
			}
			if s.OnMissing != "" {
				form += ", on_missing: " + string(s.OnMissing)
			}
			fmt.Fprintf(b, "| `%s` | `%s` | %s | %s | %s |\n", name, key, s.Unit, form, p.Description)
		}
		for _, key := range sortedKeys(p.Uses) {
			fmt.Fprintf(b, "| `%s` | `%s` | watts | uses of the variants | %s |\n", name, key, p.Description)
		}
	}
}
