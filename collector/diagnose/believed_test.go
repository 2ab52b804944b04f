package diagnose_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBelieved is about capacities that nothing that was seen supports.
func TestBelieved(t *testing.T) {
	for name, test := range map[string]struct {
		capacity         int
		running, waiting string
		want             string
	}{
		"a guess":                       {480, "96x300", "0x300", "capacity 480 requests; in the last day no replica ever had more than 96: whether it can do more is not known"},
		"a guess, and requests queued":  {480, "64x300", "32x300", "capacity 480 requests; in the last day no replica ever had more than 96, and requests queued from 96"},
		"queued below it":               {120, "64x300", "32x300", "capacity 120 requests; in the last day no replica ever had more than 96, and requests queued from 96"},
		"queued at it":                  {100, "64x300", "32x300", ""},
		"waits for the iteration alone": {100, "95x300", "3x300", ""},
		"seen":                          {96, "96x300", "0x300", ""},
		"a few minutes say nothing":     {480, "96x48", "0x48", ""},
		"but a queue does":              {480, "64x48", "32x48", "capacity 480 requests; in the last day requests queued from 96"},
	} {
		t.Run(name, func(t *testing.T) {
			var series strings.Builder
			series.WriteString(replicas("1", here))
			for metric, values := range map[string]string{"vllm:num_requests_running": test.running, "vllm:num_requests_waiting": test.waiting} {
				fmt.Fprintf(&series, "%s{namespace=\"llm\",pod=\"chat-h100-6d9f8b7c5d-bcd2x\",model_name=\"chat\"} %s\n", metric, values)
			}
			_, said, _ := check(t, strings.ReplaceAll(chat, "concurrency: 96", fmt.Sprintf("concurrency: %d", test.capacity)), series.String())
			if test.want == "" {
				require.NotContains(t, said, "in the last day")
				return
			}
			require.Contains(t, said, "variant llm/chat-h100: signal concurrency: "+test.want)
		})
	}
}
