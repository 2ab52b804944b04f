package strict

import (
	"reflect"
	"slices"
	"strings"
)

// Field is a key that a mapping may have.
type Field struct {
	Name     string
	Type     reflect.Type
	Required bool
	Doc      string // description for people and editors

	index   []int
	minimum string // of a number, if it has one
	maximum string
	kind    string // JSON type of a section that another loader reads
}

// notEmpty reports whether the value must not be empty.
func (f Field) notEmpty() bool {
	return f.Required && (f.Type.Kind() == reflect.String || f.Type.Kind() == reflect.Slice)
}

// Fields lists the keys of a struct and of its inlined structs, from their tags: `yaml` names the key, `doc` describes it to
// people and editors, `required` says that it must be there, `minimum` and `maximum` bound a number, and `kind` is the JSON type of a
// section that another loader reads.
func Fields(t reflect.Type) []Field {
	var fields []Field
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || name == "-" || strings.Contains(options, "inline") || name == "" {
			continue
		}
		fields = append(fields, Field{
			Name: name, index: f.Index, Type: f.Type,
			Required: f.Tag.Get("required") == "true", Doc: f.Tag.Get("doc"),
			minimum: f.Tag.Get("minimum"), maximum: f.Tag.Get("maximum"), kind: f.Tag.Get("kind"),
		})
	}
	return fields
}

func fieldNames(fields []Field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

// Closest returns the allowed word that differs least from the one given, or nothing if none is close. Of equally close words it
// prefers one that begins with the given word.
func Closest(word string, allowed []string) string {
	best, distance := "", min(len(word), len(word)/3+2)
	for _, a := range slices.Sorted(slices.Values(allowed)) {
		n := Distance(word, a)
		if n < distance || n == distance && best != "" && strings.HasPrefix(a, word) && !strings.HasPrefix(best, word) {
			best, distance = a, n
		}
	}
	return best
}

// Distance returns the Levenshtein distance of two words.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := previous
			if a[i] != b[j] {
				cost = 1 + min(previous, row[j], row[j+1])
			}
			previous, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
