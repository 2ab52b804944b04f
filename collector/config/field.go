package config

import (
	"reflect"
	"slices"
	"strings"
)

// field is a key that a mapping may have.
type field struct {
	name     string
	index    []int
	required bool
	minimum  string // of a number, if it has one
	maximum  string
	kind     string // JSON type of a section that another loader reads
	doc      string
	typ      reflect.Type
}

// notEmpty says whether an empty value is as bad as none.
func (f field) notEmpty() bool {
	return f.required && (f.typ.Kind() == reflect.String || f.typ.Kind() == reflect.Slice)
}

// fieldsOf lists the keys of a struct, those of inlined structs among them, from its tags: `yaml` names the key, `doc`
// describes it to people and editors, `required` says that it must be there, `minimum` and `maximum` bound a number.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || name == "-" || strings.Contains(options, "inline") || name == "" {
			continue
		}
		fields = append(fields, field{
			name: name, index: f.Index, typ: f.Type,
			required: f.Tag.Get("required") == "true", doc: f.Tag.Get("doc"),
			minimum: f.Tag.Get("minimum"), maximum: f.Tag.Get("maximum"), kind: f.Tag.Get("kind"),
		})
	}
	return fields
}

func fieldNames(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

// closest returns the word among those allowed that differs least from the one given, if it is close enough to have been
// meant. Of equally close ones, a word that was only begun is more likely than one that was misspelt.
func closest(word string, allowed []string) string {
	best, distance := "", min(len(word), len(word)/3+2)
	for _, a := range slices.Sorted(slices.Values(allowed)) {
		n := editDistance(word, a)
		if n < distance || n == distance && best != "" && strings.HasPrefix(a, word) && !strings.HasPrefix(best, word) {
			best, distance = a, n
		}
	}
	return best
}

// editDistance is the Levenshtein distance of two words.
func editDistance(a, b string) int {
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
