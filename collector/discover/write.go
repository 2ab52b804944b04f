package discover

import (
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// Write writes the fleet as a configuration.
func (f *Fleet) Write(w io.Writer) error {
	_, err := io.WriteString(w, f.String())
	return err
}

// Summary says in a few words what was found.
func (f *Fleet) Summary() string {
	text, variants := f.String(), 0
	f.variants(func(*Model, *Variant) { variants++ })
	return fmt.Sprintf("Found %s with %s, by %d queries; %s to do", many(len(f.Models), "model"), many(variants, "variant"), f.Asked, many(strings.Count(text, "TODO:"), "thing"))
}

// String is the fleet as a configuration.
func (f *Fleet) String() string {
	t := &text{}
	t.head(f)
	t.prometheus(f)
	t.budgets(f)
	t.line(0, "models:", Value{})
	for _, m := range f.Models {
		t.model(f, m)
	}
	return t.String()
}

// text is YAML under way.
type text struct{ strings.Builder }

// textWidth is where comments above values are broken.
const textWidth = 130

// comment writes sentences, in as many lines as they take.
func (t *text) comment(depth int, words string) {
	line := ""
	flush := func() {
		if line != "" {
			fmt.Fprintf(t, "%s# %s\n", strings.Repeat("  ", depth), line)
		}
	}
	for word := range strings.FieldsSeq(words) {
		if line != "" && len(line)+len(word) > textWidth-2*depth {
			flush()
			line = word
			continue
		}
		line = strings.TrimLeft(line+" "+word, " ")
	}
	flush()
}

// line writes a value with where it comes from. What is to be done stands in one line, which check lists.
func (t *text) line(depth int, key string, v Value) {
	comment := ""
	switch {
	case v.From != "" && v.ToDo != "":
		comment = "  # " + endOf(v.From) + " TODO: " + v.ToDo
	case v.From != "":
		comment = "  # " + v.From
	case v.ToDo != "":
		comment = "  # TODO: " + v.ToDo
	}
	if key != "" && !strings.HasSuffix(key, ":") {
		key += ": "
	}
	fmt.Fprintf(t, "%s%s%s%s\n", strings.Repeat("  ", depth), key, v.Text, comment)
}

// endOf ends a sentence that may be a question.
func endOf(sentence string) string {
	if strings.HasSuffix(sentence, "?") {
		return sentence
	}
	return sentence + "."
}

// scalar quotes a text where YAML needs it.
func scalar(v Value) Value {
	out, err := yaml.Marshal(v.Text)
	if err == nil {
		v.Text = strings.TrimSpace(string(out))
	}
	return v
}

func (t *text) head(f *Fleet) {
	t.comment(0, "Made by: "+f.Command)
	t.comment(0, fmt.Sprintf("From what the Prometheus knew at %s, and in the %s before%s. Behind each value: where it comes from.", f.At.UTC().Format("2006-01-02T15:04:05Z"), days(f.History), f.shorter()))
	t.comment(0, "variant_exporter check lists what is still to do; variant_exporter init --update shows what has changed since.")
	for _, note := range f.Notes {
		t.WriteString("# " + note + "\n") // in one line, which check lists
	}
}

func (t *text) prometheus(f *Fleet) {
	t.line(0, "prometheus:", Value{})
	t.line(1, "url", scalar(Value{Text: f.URL, From: "as given; the exporter and KEDA must reach it too"}))
	if f.HTTPConfig != "" {
		t.line(1, "http_config:", Value{})
		for line := range strings.Lines(f.HTTPConfig) {
			t.WriteString("    " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	if s := f.Selector.String(); s != "" {
		t.line(0, "selector", scalar(Value{Text: s, From: "as given"}))
	}
	if window := f.rateWindow(); window.Text != "" {
		t.line(0, "rate_window", window)
	}
	if f.Labels.Namespace != "" {
		t.line(0, "labels:", Value{})
		t.line(1, "namespace", Value{Text: f.Labels.Namespace, From: "the servers' series have no label namespace"})
	}
	usual := f.Labels.Namespace
	if usual == "" {
		usual = "namespace"
	}
	switch {
	case f.KubeNS == "":
		t.line(0, "scale_targets:", Value{})
		t.line(1, "disabled", Value{Text: "true", From: "no kube-state-metrics", ToDo: "without it the guards that need to know replicas do not work"})
	case f.KubeNS != usual:
		t.line(0, "scale_targets:", Value{})
		t.line(1, "labels", Value{Text: "{namespace: " + f.KubeNS + "}", From: "as kube-state-metrics' series have it"})
	}
}

func (t *text) budgets(f *Fleet) {
	if len(f.Budgets) == 0 {
		return
	}
	t.line(0, "budgets:", Value{})
	for _, b := range f.Budgets {
		t.line(1, "- name", scalar(Value{Text: b.Name}))
		t.line(2, "unit", Value{Text: "accelerators"})
		t.line(2, "limit", b.Limit)
	}
}

func (t *text) model(f *Fleet, m *Model) {
	t.line(1, "- name", scalar(m.Name))
	t.line(2, "namespace", scalar(m.Namespace))
	presets := m.Presets
	if f.OpenCost {
		presets.Text += ", " + config.PresetOpenCost
		presets.From += "; OpenCost tells prices"
	}
	presets.Text = "[" + presets.Text + "]"
	t.line(2, "presets", presets)
	if m.Pool.Text != "" {
		t.line(2, "match:", Value{})
		t.line(3, "inference_pool", scalar(m.Pool))
	}
	t.line(2, "variants:", Value{})
	for _, v := range m.Variants {
		t.variant(m, v)
	}
}

func (t *text) variant(m *Model, v *Variant) {
	t.line(3, "- name", scalar(v.Name))
	if v.Kind != string(config.KindDeployment) || v.Target != v.Name.Text {
		t.line(4, "scale_target", Value{Text: fmt.Sprintf("{kind: %s, name: %s}", v.Kind, scalar(Value{Text: v.Target}).Text), From: "owner of the servers' pods"})
	}
	if v.Role.Text != "" {
		t.line(4, "role", v.Role)
	}
	if v.Accelerator.Text != "" {
		t.line(4, "accelerator", scalar(v.Accelerator))
	}
	t.line(4, "cost", v.Cost)
	if v.Budget != "" {
		t.line(4, "uses:", Value{})
		t.line(5, scalar(Value{Text: v.Budget}).Text, v.Uses)
	}
	t.line(4, "capacity:", Value{})
	if m.rate() {
		t.line(5, "generation_tokens", v.Tokens)
	}
	t.line(5, "concurrency", v.Concurrency)
	t.line(4, "startup", v.Startup)
	t.line(4, "replicas:", Value{})
	if v.Min.Text != "" {
		t.line(5, "min", v.Min)
	}
	t.line(5, "max", v.Max)
}
