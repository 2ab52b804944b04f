package strict_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// recipe is a format that has nothing to do with this project.
type recipe struct {
	Title  string         `yaml:"title" required:"true" doc:"What it is called."`
	Serves *int           `yaml:"serves" minimum:"1" maximum:"12" doc:"How many eat."`
	Course course         `yaml:"course" doc:"When it is eaten."`
	Steps  []string       `yaml:"steps" required:"true" doc:"What to do."`
	Grams  map[string]int `yaml:"grams" doc:"What goes in."`
	Oven   temperature    `yaml:"oven" doc:"How hot."`
}

type course string

func (course) Values() []string { return []string{"starter", "main"} }

type temperature int

func (o *temperature) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	x, ok := strict.Number(n)
	if !ok {
		d.Errorf(path, n, "%s where a temperature is expected", strict.Describe(n)).Hint("degrees, such as 180")
		return
	}
	*o = temperature(x)
}

func (temperature) JSONSchema(*strict.SchemaBuilder) map[string]any {
	return map[string]any{"type": "integer"}
}

func decode(text string) (recipe, strict.Diagnostics) {
	var r recipe
	d := strict.NewDecoder("r.yml", text, strict.Options{
		Empty: "write a recipe", Secret: func(key string) bool { return key == "secret" },
	})
	if root := d.Parse(); root != nil {
		d.Decode("", root, &r)
	}
	return r, d.Remarks()
}

func TestDecode(t *testing.T) {
	r, found := decode("title: &t Pie\nserves: 4\ncourse: main\nsteps: [mix, *t]\ngrams: {flour: 300}\noven: 180\n")
	require.Empty(t, found)
	four := 4
	require.Equal(t, recipe{"Pie", &four, "main", []string{"mix", "Pie"}, map[string]int{"flour": 300}, 180}, r)
}

// TestDecodeReportsAll is about the mistakes of one file: all are reported, each at its place with what would be right.
func TestDecodeReportsAll(t *testing.T) {
	_, found := decode(`titel: Pie
serves: 13
course: mian
steps: mix
grams: {flour: 300, flour: 1.5}
oven: hot
`)
	var got []string
	for _, d := range found {
		require.NotEmpty(t, d.Snippet)
		got = append(got, strings.Join([]string{d.File, d.Path, d.Message, d.Hint}, " | "))
	}
	require.Equal(t, []string{
		`r.yml | titel | unknown field "titel" | did you mean "title"?`,
		`r.yml | serves | 13 is above 12 | How many eat.`,
		`r.yml | course | unknown value "mian" | did you mean "main"?`,
		"r.yml | steps | \"mix\" where a list is expected | write it as `- item` lines or [item, item]",
		`r.yml | grams.flour | duplicate key "flour" | keep one of them`,
		`r.yml | oven | "hot" where a temperature is expected | degrees, such as 180`,
	}, got)
	require.Equal(t, "r.yml:6:7: error: oven: \"hot\" where a temperature is expected\n    6 | oven: hot\n      |       ^^^\n      = degrees, such as 180",
		found[len(found)-1].String())
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "r.yml:1:1: error: the file is empty",
		"title: \x01":                "control character",
		"title: \xff":                "not UTF-8",
		"title: [":                   "not YAML: ",
		"title: a\n---\ntitle: b\n":  "more than one YAML document",
		"title: a\n secret: b\n x\n": "not YAML: ",
	} {
		_, found := decode(text)
		require.ErrorContains(t, found.Err(), want, "%q", text)
	}
}

// TestUnparsedSecrets is about a text that is no YAML and of which a snippet is shown all the same.
func TestUnparsedSecrets(t *testing.T) {
	_, found := decode("secret: 'hunter2' x\n")
	require.True(t, found.HasErrors())
	require.NotContains(t, found.Err().Error(), "hunter2")
	require.Contains(t, found.Err().Error(), strict.SecretMark)
}

func TestDiagnosticAt(t *testing.T) {
	d := strict.NewDecoder("r.yml", "title: Pie\nsteps: [mix]\n", strict.Options{})
	var r recipe
	d.Decode("", d.Parse(), &r)
	require.Equal(t, 9, d.DiagnosticAt("steps[0]", "m", "h").Column)
	require.Equal(t, 2, d.DiagnosticAt("steps[7].more", "m", "h").Line, "the closest ancestor")
	require.Empty(t, d.Remarks(), "it is not added")
}

// TestExcerpt leads the lines of a text that was written for another loader back to the file.
func TestExcerpt(t *testing.T) {
	d := strict.NewDecoder("r.yml", "title: Pie\nsteps: &s\n  - mix\ngrams: {flour: 300, salt: 5}\noven: 1\nmore: *s\n", strict.Options{})
	var r recipe
	d.Decode("", d.Parse(), &r)
	e, err := d.Excerpt("grams", "steps")
	require.NoError(t, err)
	require.Equal(t, "grams:\n    flour: 300\n    salt: 5\nsteps:\n    - mix\n", e.Text)
	require.Equal(t, map[int]string{1: "grams", 2: "grams.flour", 3: "grams.salt", 4: "steps"}, d.Lines(e))
	require.Equal(t, 21, d.Key("grams.salt").Column)
	require.Equal(t, "steps[0]", d.PathOf("mix", "steps["))
	require.Empty(t, d.PathOf("Pie", "steps["))
}

// foreign stands for a type of another module.
type foreign struct {
	Name string            `yaml:"name"`
	On   bool              `yaml:"on"`
	Tags map[string]string `yaml:"tags"`
}

func TestForeign(t *testing.T) {
	d := strict.NewDecoder("r.yml", "name: [a]\non: yes\ntags: {a: b}\ntag: c\n", strict.Options{})
	d.Foreign("", d.Parse(), reflect.TypeFor[foreign](), "see there")
	var got []string
	for _, g := range d.Remarks() {
		got = append(got, g.Path+": "+g.Message+": "+g.Hint)
	}
	require.Equal(t, []string{"name: this must be a text: see there", "on: this must be true or false: see there", `tag: unknown field "tag": did you mean "tags"?`}, got)
}

func TestSchema(t *testing.T) {
	text, err := strict.Schema("recipes", recipe{})
	require.NoError(t, err)
	var s struct {
		Title      string
		Required   []string
		Properties map[string]json.RawMessage
	}
	require.NoError(t, json.Unmarshal(text, &s))
	require.Equal(t, "recipes", s.Title)
	require.Equal(t, []string{"title", "steps"}, s.Required)
	require.Len(t, s.Properties, len(strict.Fields(reflect.TypeFor[recipe]())))
	require.JSONEq(t, `{"description": "How many eat.", "anyOf": [{"type": "integer", "minimum": 1, "maximum": 12}, {"type": "null"}]}`, string(s.Properties["serves"]))
	require.JSONEq(t, `{"description": "When it is eaten.", "anyOf": [{"type": "string", "enum": ["starter", "main"]}, {"type": "null"}]}`, string(s.Properties["course"]))
}
