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

// Hidden reports whether a value is kept out of snippets.
func (d *Decoder) Hidden(n *yaml.Node) bool { return d.src.isSecret(n) }

var (
	keyOfLine  = regexp.MustCompile(`^[\s-]*["']?([\w.-]+)["']?\s*:(?:\s|$)`)
	keysOfLine = regexp.MustCompile(`["']?([\w.-]+)["']?\s*[:=]?\s?`)
)

// hideUnparsed keeps a line of a text that is not YAML out of its snippet where it may hold a secret: behind a key that sounds
// secret, and if it continues the value of such a key.
func (d *Decoder) hideUnparsed(line int) {
	below := false
	for n := 1; n < line && !below; n++ {
		_, below = d.secretFrom(d.src.line(n))
	}
	if from, found := d.secretFrom(d.src.line(line)); found {
		d.src.hideFrom(line, from)
	} else if below && !keyOfLine.MatchString(d.src.line(line)) {
		d.src.hideFrom(line, 0)
	}
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
