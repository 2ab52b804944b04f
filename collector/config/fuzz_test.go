package config_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/internal/long"
	"github.com/variant-exporter/variant-exporter/internal/testclock"
)

// FuzzLoad checks that any text gives a configuration or says why not, with places inside the file.
func FuzzLoad(f *testing.F) {
	for _, folder := range []string{"good", "bad", "doubtful"} {
		names, err := filepath.Glob(filepath.Join("testdata", folder, "*.yml"))
		require.NoError(f, err)
		for _, name := range names {
			f.Add(read(f, name))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, found := config.Load("fuzz.yml", text)
		require.Equal(t, c == nil, found.HasErrors())
		requireInside(t, text, found)
		_ = render(found)
	})
}

// TestLoadIsBounded loads texts that would take very long, or very much memory, without limits. Unless it may take long, they have an
// eighth of the size and of the time: still beyond every limit, and aliases are as many as ever.
func TestLoadIsBounded(t *testing.T) {
	size, longest := long.Of(1<<15, 1<<18), long.Of(time.Minute/8, time.Minute)
	repeat := func(s string) string { return strings.Repeat(s, size/len(s)) }
	bomb := func(first, level, last string) string {
		var b strings.Builder
		b.WriteString(first + "\n")
		for i := 'b'; i <= 'i'; i++ {
			b.WriteString(strings.NewReplacer("NEW", string(i), "OLD", string(i-1)).Replace(level) + "\n")
		}
		return b.String() + last + "\n"
	}
	for name, text := range map[string]string{
		"nonsense":             strings.Repeat(repeat("x: [1, {y: z}] \n"), 4),
		"one line":             "models: [" + repeat("{a: b, c},") + "]",
		"one key":              repeat("k") + ": 1",
		"one value":            "energy_price: '" + repeat("x + ") + "'",
		"many mistakes":        "models:\n" + repeat("- {nome: x}\n"),
		"many unknown":         "models: [{" + repeat("aa: b,c: d,") + "}]",
		"brackets":             repeat("["),
		"braces":               repeat("{a: "),
		"dashes":               repeat("- "),
		"questions":            repeat("? "),
		"quotes":               repeat(`"'`),
		"tabs":                 repeat("\t\n"),
		"zero bytes":           repeat("\x00"),
		"not UTF-8":            repeat("\xff"),
		"anchors":              repeat("&a "),
		"long PromQL":          "energy_price: '" + repeat("(") + "'",
		"long expression":      "energy_price: " + repeat("sum(x)+") + "1",
		"aliases of lists":     bomb("a: &a [x,x,x,x,x,x,x,x,x]", "NEW: &NEW [*OLD,*OLD,*OLD,*OLD,*OLD,*OLD,*OLD,*OLD,*OLD]", "models: *i\nscrape_configs: *i\nglobal: *i"),
		"aliases of mappings":  bomb("a: &a {x: 1}", "NEW: &NEW {a: *OLD, b: *OLD, c: *OLD, d: *OLD, e: *OLD, f: *OLD}", "global: *i\nprometheus: {http_config: {oauth2: {claims: *i}}}"),
		"merges":               bomb("a: &a {x: 1}", "NEW: &NEW {<<: [*OLD,*OLD,*OLD,*OLD,*OLD,*OLD,*OLD,*OLD,*OLD]}", "defaults: *i"),
		"merge of itself":      "defaults: &a {<<: [*a, *a, *a]}",
		"list of itself":       "scrape_configs: &a [*a, *a, *a, *a]",
		"models of one alias":  "x: &v [" + repeat("v,")[:size/8] + "]\nmodels: [" + strings.Repeat("{variants: *v},", size/64) + "]\n",
		"secrets in long text": "prometheus: {http_config: {password: [" + repeat("a,") + "]}}",
		"jobs":                 "scrape_configs:\n" + repeat("- {job_name: a}\n"),
	} {
		t.Run(name, func(t *testing.T) {
			start := testclock.ProcessorTime(t)
			c, found := config.Load("test.yml", text)
			require.Nil(t, c)
			requireInside(t, text, found)
			require.Less(t, len(render(found)), 1<<18)
			took := testclock.ProcessorTime(t) - start
			t.Log(took)
			require.Less(t, took, longest)
		})
	}
}

// TestLoadDamagedFiles cuts, doubles and mixes the lines and words of the files in testdata.
func TestLoadDamagedFiles(t *testing.T) {
	var texts, words []string
	for _, folder := range []string{"good", "bad", "doubtful"} {
		for _, name := range files(t, folder) {
			if text := read(t, name); len(text) < 10_000 {
				texts = append(texts, text)
				words = append(words, strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n{}[],", r) })...)
			}
		}
	}
	words = append(words, " ", "\n", "\n  ", "\n    - ", "{", "}", "[", "]", ": ", ", ", "&a ", "*a", "<<: ", "|", ">", "'", `"`, "#", "~", "\t", "é")
	loads := long.Of(1, 20)
	rapid.Check(t, func(rt *rapid.T) {
		for range loads {
			text := rapid.SampledFrom(texts).Draw(rt, "text")
			for range rapid.IntRange(1, 4).Draw(rt, "edits") {
				from := rapid.IntRange(0, len(text)).Draw(rt, "from")
				to := min(len(text), from+rapid.IntRange(0, 30).Draw(rt, "length"))
				switch rapid.IntRange(0, 2).Draw(rt, "edit") {
				case 0:
					text = text[:from] + text[to:]
				case 1:
					text = text[:to] + text[from:]
				default:
					text = text[:from] + rapid.SampledFrom(words).Draw(rt, "word") + text[from:]
				}
			}
			c, found := config.Load("damaged.yml", text)
			require.Equal(rt, c == nil, found.HasErrors())
			requireInside(rt, text, found)
			_ = render(found)
		}
	})
}
