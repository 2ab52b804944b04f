package promapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
)

// TestKnownLabelsAreBounded: new labels, however long, do not make what is remembered grow for ever, and usual ones are found again.
func TestKnownLabelsAreBounded(t *testing.T) {
	for _, length := range []int{10, 1000, 3000, 1 << 20} {
		var k knownLabels
		for i := range 50_000 {
			k.remember(fmt.Appendf(nil, "%d%s", i, strings.Repeat("x", min(length, 5000))), model.Metric{"a": "b"})
		}
		total := 0
		for _, kept := range []map[string]model.Metric{k.lately, k.before} {
			for raw := range kept {
				total += 2*len(raw) + labelsBytes
			}
		}
		assert.LessOrEqual(t, total, 2*(knownBytes+longLabels+labelsBytes), "labels of %d bytes", length)
		found := k.find(fmt.Appendf(nil, "%d%s", 49_999, strings.Repeat("x", min(length, 5000)))) != nil
		assert.Equal(t, length < longLabels-10, found, "labels of %d bytes", length)
	}
}

// TestTooManyLabels: a series with more labels than any has is refused, by a reason that says so.
func TestTooManyLabels(t *testing.T) {
	labels := make([]string, maxLabels+1)
	for i := range labels {
		labels[i] = fmt.Sprintf(`"l%d":""`, i)
	}
	for n, reason := range map[int]Reason{maxLabels: "", maxLabels + 1: ReasonTooLarge} {
		text := `{"status":"success","data":{"resultType":"vector","result":[{"metric":{` + strings.Join(labels[:n], ",") + `},"value":[1,"1"]}]}}`
		_, err := decodeVector([]byte(text), instant(1000), &knownLabels{}, nil)
		if reason == "" && err != nil || reason != "" && ReasonOf(err) != reason {
			t.Errorf("%d labels: got %v, want %q", n, err, reason)
		}
	}
}
