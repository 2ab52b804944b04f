package match

import (
	"regexp/syntax"
	"slices"
	"strings"
)

// prefixIndex finds the expressions that a name may match by the text with which they begin: of a thousand variants with expressions of
// their own, a name is matched against a few.
type prefixIndex struct {
	lengths  []int // of the prefixes that there are, in order
	byPrefix map[string][]podRegexp
}

func newPrefixIndex(all []podRegexp) prefixIndex {
	x := prefixIndex{byPrefix: map[string][]podRegexp{}}
	for _, r := range all {
		prefix := literalPrefix(r.re.String())
		x.byPrefix[prefix] = append(x.byPrefix[prefix], r)
		x.lengths = append(x.lengths, len(prefix))
	}
	slices.Sort(x.lengths)
	x.lengths = slices.Compact(x.lengths)
	return x
}

// candidates calls do with each expression that a name may match.
func (x *prefixIndex) candidates(name string, do func(podRegexp)) {
	for _, n := range x.lengths {
		if n > len(name) {
			return
		}
		for _, r := range x.byPrefix[name[:n]] {
			do(r)
		}
	}
}

// literalPrefix is the text with which every match of an expression begins. The expression itself begins with ^.
func literalPrefix(expression string) string {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, part := range flattened(parsed, nil) {
		switch {
		case part.Op == syntax.OpBeginText:
		case part.Op == syntax.OpLiteral && part.Flags&syntax.FoldCase == 0:
			b.WriteString(string(part.Rune))
			continue
		default:
			return b.String()
		}
	}
	return b.String()
}

// flattened lists the parts of an expression that follow each other.
func flattened(re *syntax.Regexp, to []*syntax.Regexp) []*syntax.Regexp {
	if re.Op != syntax.OpConcat && re.Op != syntax.OpCapture {
		return append(to, re)
	}
	for _, sub := range re.Sub {
		to = flattened(sub, to)
	}
	return to
}
