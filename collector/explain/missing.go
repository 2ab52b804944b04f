package explain

import (
	"fmt"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// sayings are what each reason for a missing input means, for people. %s is the input or the signal.
func sayings() map[string]string {
	return map[string]string{
		string(promapi.ReasonCanceled):     "there was no time left to ask for %s",
		string(promapi.ReasonTimeout):      "Prometheus did not answer %s in time",
		string(promapi.ReasonConnection):   "Prometheus cannot be reached, so %s is not known",
		string(promapi.ReasonUnauthorized): "Prometheus does not accept the credentials, so %s is not known",
		string(promapi.ReasonBadQuery):     "Prometheus does not accept the query of %s",
		string(promapi.ReasonExecution):    "Prometheus could not evaluate %s",
		string(promapi.ReasonServerError):  "Prometheus has an error of its own, so %s is not known",
		string(promapi.ReasonClientError):  "Prometheus refuses the request for %s",
		string(promapi.ReasonBadResponse):  "the answer to %s is not one of Prometheus",
		string(promapi.ReasonTooLarge):     "the answer to %s is too large",
		string(promapi.ReasonWarnings):     "Prometheus warns about its answer to %s",
		string(promapi.ReasonPartial):      "the answer to %s is only a part",
		string(promapi.ReasonStale):        "the samples of %s are too old",
		string(promapi.ReasonWrongType):    "the answer to %s is not an instant vector",
		match.NoResult:                     "%s has no result",
		match.BadNaN:                       "%s is NaN",
		match.BadInf:                       "%s is infinite",
		match.BadNegative:                  "%s is negative",
		match.BadRange:                     "%s is out of range",
		match.BadHistogram:                 "%s is a histogram, not a number",
		match.BadDuplicate:                 "%s has more than one series for the same thing",
		match.BadRule:                      "%s was recorded from another expression than the configuration has",
		match.BadLabels:                    "%s has a label that is missing or cannot be read",
	}
}

// Lack says what is missing for people: a text such as concurrency: concurrency.demand: timeout becomes a sentence without its full
// stop. subject is what it is about where the text does not say it.
func Lack(subject, missing string) string {
	parts, sayings := strings.Split(missing, ": "), sayings()
	for i, part := range parts {
		saying, known := sayings[part]
		if !known {
			continue
		}
		if i > 0 {
			subject = parts[i-1]
		}
		return strings.Join(append([]string{fmt.Sprintf(saying, subject)}, parts[i+1:]...), ": ")
	}
	return missing
}
