package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/rules"
)

// TestRecordedIsMarked: a recorded series says what it was recorded from, and each signal's sources are recorded too.
func TestRecordedIsMarked(t *testing.T) {
	marks := func(settings string) map[string]string {
		m, err := rules.Rules(parse(t, settings+one("", "{name: a, cost: 1, capacity: {generation_tokens: 1}}")), ruleOptions())
		found := map[string]string{}
		for _, r := range strict[ruleFile](t, text(t, m, err))[0].Groups[0].Rules {
			e, err := config.ParseExpr(r.Expr)
			require.NoError(t, err)
			require.Equal(t, e.Fingerprint(), r.Labels[config.LabelRecorded], r.Record)
			found[r.Record] = r.Labels[config.LabelRecorded]
		}
		return found
	}
	const demand, queued, sources = "model:vllm_generation_tokens_demand:sum", "model:vllm_generation_tokens_queued:sum", "workload:vllm_generation_tokens_sources:count"
	plain, slower := marks(""), marks("rate_window: 2m\n")
	for _, name := range []string{demand, queued, sources} {
		require.Contains(t, plain, name)
	}
	require.NotEqual(t, plain[demand], slower[demand], "another rate is another expression")
	require.NotEqual(t, plain[sources], slower[sources], "who has no such rate does not tell it")
	require.Equal(t, plain[queued], slower[queued], "the same requests wait")
}
