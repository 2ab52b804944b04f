// Package svg draws diagrams as SVG. A Drawing takes elements and returns the text of the document. A Frame maps values to places in
// the drawing, and draws the axes.
package svg

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// Attributes are attributes as they are written in a tag.
type Attributes string

// Attribute returns one attribute, with its value escaped.
func Attribute(name, value string) Attributes {
	return Attributes(name + `="` + html.EscapeString(value) + `"`)
}

// Drawing is an SVG document in progress.
type Drawing struct{ b strings.Builder }

// New begins a drawing with its outermost element.
func New(width, height int, a Attributes) *Drawing {
	d := &Drawing{}
	d.Put(`<svg viewBox="0 0 %v %v" %v>`, width, height, a)
	return d
}

// Put writes elements as a line. It escapes each string among the arguments and rounds each float64 to a tenth; Attributes stay as
// they are.
func (d *Drawing) Put(format string, args ...any) {
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			args[i] = html.EscapeString(arg)
		case float64:
			args[i] = Coordinate(arg)
		}
	}
	fmt.Fprintf(&d.b, format+"\n", args...)
}

// Text writes a text.
func (d *Drawing) Text(x, y float64, a Attributes, text string) {
	d.Put(`<text x="%v" y="%v" %v>%v</text>`, x, y, a, text)
}

// String ends the drawing and returns all of it.
func (d *Drawing) String() string { return d.b.String() + "</svg>\n" }

// Coordinate is a place in a drawing, rounded to a tenth.
func Coordinate(v float64) string { return strconv.FormatFloat(math.Round(10*v)/10, 'f', -1, 64) }
