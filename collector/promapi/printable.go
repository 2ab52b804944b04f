package promapi

import (
	"strconv"
	"strings"
	"unicode"
)

// Printable returns a text with everything escaped that a terminal or a log would not show as it is: line breaks, control sequences,
// characters that change the direction of writing. The texts and label values of a source can hold anything.
func Printable(text string) string {
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if hidden(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hidden(r rune) bool { return !unicode.IsPrint(r) }
