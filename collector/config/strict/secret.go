package strict

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Hide keeps a scalar, and the rest of its lines, out of snippets.
func (d *Decoder) Hide(n *yaml.Node) { d.src.hide(n) }

// HideFrom keeps a node of any kind, with its tag, and the rest of its line out of snippets.
func (d *Decoder) HideFrom(n *yaml.Node) {
	d.src.hideFrom(n.Line, max(0, d.src.offset(n.Line, n.Column)-d.src.start[n.Line-1]))
	if tag := strings.TrimLeft(n.Tag, "!"); !strings.HasPrefix(n.Tag, "!!") {
		d.src.hideValue(tag)
	}
}

// HideBelow keeps what a key without a place holds out of snippets, and out of messages what may be repeated elsewhere: by an alias, or if
// repeated says so. A truth value or a short number says nothing.
func (d *Decoder) HideBelow(n *yaml.Node, repeated bool) {
	if n.Anchor != "" || !strings.HasPrefix(n.Tag, "!!") {
		repeated = true
		d.src.hideValue(n.Anchor) // A secret that begins with & reads as an anchor.
		d.HideFrom(n)
	}
	for _, item := range n.Content {
		d.HideBelow(item, repeated)
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!bool" || n.Tag == "!!null" || n.Tag == "!!int" && len(n.Value) <= shortNumber {
		return
	}
	if repeated {
		d.src.hideValue(n.Value)
	}
	d.src.mask(n)
}

// shortNumber is the length of a number that is no secret.
const shortNumber = 5

// Hidden reports whether a value is kept out of snippets.
func (d *Decoder) Hidden(n *yaml.Node) bool { return d.src.isSecret(n) }

var (
	keyOfLine = regexp.MustCompile(`^[\s-]*["']?([\w.-]+)["']?\s*:(?:\s|$)`)
	// keysOfLine are words that may be keys; the text is not YAML, and the colon may be missing, or the space behind it.
	keysOfLine = regexp.MustCompile(`["']?([\w.-]+)["']?\s*[:=]?\s?`)
	// placesOfLine are words at the places of keys.
	placesOfLine = regexp.MustCompile(`(?:^[\s-]*|[{,]\s*)["']?([\w.-]+)["']?\s*[:=]?\s?`)
)

// hideUnparsed keeps a line of a text that is not YAML out of its snippet where it may hold a secret: behind a key that sounds secret or
// that no place has, and if it continues the value of such a key.
func (d *Decoder) hideUnparsed(line int) {
	below := false
	for n := 1; n < line && !below; n++ {
		_, below = d.secretFrom(d.src.line(n))
	}
	text := d.src.line(line)
	from, found := d.secretFrom(text)
	if at, unknown := d.unknownFrom(text); unknown && (!found || at < from) {
		from, found = at, true
	}
	if below && !keyOfLine.MatchString(text) {
		from, found = 0, true
	}
	if found {
		d.src.hideFrom(line, from)
	}
}

// unknownFrom returns the offset behind the first key of a line that no place has. What is so short is no secret.
func (d *Decoder) unknownFrom(line string) (offset int, found bool) {
	if d.options.Known == nil {
		return 0, false
	}
	for _, m := range placesOfLine.FindAllStringSubmatchIndex(line, -1) {
		value, _, _ := strings.Cut(strings.TrimRight(line[m[1]:], " \t"), ",")
		if !d.options.Known(line[m[2]:m[3]]) && len(strings.TrimRight(value, "}] ")) > shortNumber {
			return m[1], true
		}
	}
	return 0, false
}

// secretFrom returns the offset behind the first key of a line that sounds secret. The text is not YAML: the colon may be missing, or
// the space behind it.
func (d *Decoder) secretFrom(line string) (offset int, found bool) {
	if d.options.Secret == nil {
		return 0, false
	}
	for _, m := range keysOfLine.FindAllStringSubmatchIndex(line, -1) {
		if d.options.Secret(line[m[2]:m[3]]) {
			return m[1], true
		}
	}
	return 0, false
}
