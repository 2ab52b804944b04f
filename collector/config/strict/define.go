package strict

import "strings"

// Define says what $NAME stands for in texts that are expanded.
func (d *Decoder) Define(name, value string) {
	d.defined = append(d.defined, "$"+name, value)
}

// Expand replaces the names of a text by what they stand for. Blanks make up for a shorter value, so that all that follows stays in
// its place.
func (d *Decoder) Expand(text string) string {
	for i := 0; i < len(d.defined); i += 2 {
		name, value := d.defined[i], d.defined[i+1]
		text = strings.ReplaceAll(text, name, value+strings.Repeat(" ", max(0, len(name)-len(value))))
	}
	return text
}
