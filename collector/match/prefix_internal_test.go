package match

import (
	"fmt"
	"regexp"
	"testing"
)

func TestLiteralPrefix(t *testing.T) {
	for expression, want := range map[string]string{
		"^(?:llama-h100-.*)$": "llama-h100-", "^(?:llama)$": "llama", "^(?:(llama-)[0-9]+)$": "llama-", "^(?:a|b)$": "",
		"^(?:(?i)llama-.*)$": "", "^(?:.*-llama)$": "", "^(?:llama?-x)$": "llam", "^(?:l+x)$": "", "^(?:)$": "", "^(?:ab|ac)$": "a",
		"^(?:^llama-.*)$": "llama-", "^(?:é.*)$": "é",
	} {
		if got := literalPrefix(expression); got != want {
			t.Errorf("%s begins with %q, want %q", expression, got, want)
		}
	}
}

// TestFewExpressionsAreTried holds a pod of each of a thousand variants against few of their expressions, and finds what a look at all
// of them finds.
func TestFewExpressionsAreTried(t *testing.T) {
	var all []podRegexp
	for i := range 1000 {
		all = append(all, podRegexp{"llm", regexp.MustCompile(fmt.Sprintf("^(?:variant-%d-.*)$", i)), i})
	}
	all = append(all, podRegexp{"llm", regexp.MustCompile("^(?:.*-7-.*)$"), 1000}, podRegexp{"llm", regexp.MustCompile("^(?:variant-.*)$"), 1001})
	index := newPrefixIndex(all)
	for i := range 1000 {
		pod := fmt.Sprintf("variant-%d-abc", i)
		tried, found, want := 0, 0, 0
		index.candidates(pod, func(r podRegexp) {
			tried++
			if r.re.MatchString(pod) {
				found++
			}
		})
		for _, r := range all {
			if r.re.MatchString(pod) {
				want++
			}
		}
		if tried > 3 || found != want {
			t.Fatalf("%s: %d expressions tried and %d match, want at most 3, and %d", pod, tried, found, want)
		}
	}
}
