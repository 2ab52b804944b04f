package replay_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/replay"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// ticker is a source whose answer is the number of the step, as long as nothing is wrong with a step or with how much is asked.
type ticker struct {
	bad      map[int]promapi.Reason // steps, and why they cannot be answered
	most     int                    // steps that are answered at once; 0 for no limit
	tooMuch  promapi.Reason
	mu       sync.Mutex
	instants int
	ranges   int
}

func (s *ticker) step(at time.Time) int { return int(at.Sub(replayFrom) / time.Minute) }

func (s *ticker) Query(_ context.Context, _ string, at time.Time) (model.Vector, error) {
	s.mu.Lock()
	s.instants++
	s.mu.Unlock()
	step := s.step(at)
	if reason := s.bad[step]; reason != "" {
		return nil, &promapi.Error{Reason: reason, Err: errors.New("a bad step")}
	}
	return model.Vector{{Metric: model.Metric{}, Value: model.SampleValue(step), Timestamp: model.TimeFromUnixNano(at.UnixNano())}}, nil
}

func (s *ticker) QueryRange(_ context.Context, _ string, r v1.Range) (model.Matrix, error) {
	s.mu.Lock()
	s.ranges++
	s.mu.Unlock()
	stream := &model.SampleStream{Metric: model.Metric{}}
	for at := r.Start; !at.After(r.End); at = at.Add(r.Step) {
		step := s.step(at)
		if reason := s.bad[step]; reason != "" {
			return nil, &promapi.Error{Reason: reason, Err: errors.New("a bad step")}
		}
		stream.Values = append(stream.Values, model.SamplePair{Timestamp: model.TimeFromUnixNano(at.UnixNano()), Value: model.SampleValue(step)})
	}
	if s.most > 0 && len(stream.Values) > s.most {
		return nil, &promapi.Error{Reason: s.tooMuch, Err: errors.New("too many steps at once")}
	}
	return model.Matrix{stream}, nil
}

// TestHistoryDividesRanges counts what is asked, and holds every answer to that of an instant query.
func TestHistoryDividesRanges(t *testing.T) {
	for name, tc := range map[string]struct {
		source           *ticker
		ranges, instants int // at most, for 100 steps in chunks of 50
	}{
		"all is well":             {&ticker{}, 2, 0},
		"one step with warnings":  {&ticker{bad: map[int]promapi.Reason{30: promapi.ReasonWarnings}}, 12, 7},
		"one step fails":          {&ticker{bad: map[int]promapi.Reason{99: promapi.ReasonExecution}}, 12, 7},
		"answers are too large":   {&ticker{most: 20, tooMuch: promapi.ReasonTooLarge}, 12, 5},
		"ranges take too long":    {&ticker{most: 20, tooMuch: promapi.ReasonTimeout}, 12, 5},
		"a proxy refuses ranges":  {&ticker{most: 20, tooMuch: promapi.ReasonServerError}, 12, 5},
		"only single steps work":  {&ticker{most: 1, tooMuch: promapi.ReasonTooLarge}, 60, 100},
		"every step has warnings": {&ticker{bad: everyStep(promapi.ReasonWarnings)}, 100, 100},
		"refused at all times":    {&ticker{bad: everyStep(promapi.ReasonBadQuery)}, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			source := tc.source
			history := historyOf(source, 50)
			for i := range replaySteps {
				at := replayFrom.Add(time.Duration(i) * time.Minute)
				history.Advance(t.Context(), at)
				got := outcomeOf(history.Query(t.Context(), "x", at))
				require.Equal(t, outcomeOf((&ticker{bad: source.bad}).Query(t.Context(), "x", at)), got, "step %d", i)
			}
			history.Wait()
			require.NoError(t, history.Err())
			assert.LessOrEqual(t, source.ranges, tc.ranges, "range queries")
			assert.LessOrEqual(t, source.instants, tc.instants, "instant queries")
		})
	}
}

func everyStep(reason promapi.Reason) map[int]promapi.Reason {
	bad := map[int]promapi.Reason{}
	for i := range replaySteps {
		bad[i] = reason
	}
	return bad
}

// TestHistoryGivesUp says which failures are no history: they are about the connection, not about the time that was asked for.
func TestHistoryGivesUp(t *testing.T) {
	for _, reason := range promapi.Reasons() {
		source := &ticker{bad: map[int]promapi.Reason{30: reason}}
		history := historyOf(source, 50)
		_, err := history.Query(t.Context(), "x", replayFrom.Add(30*time.Minute))
		require.Equal(t, reason, promapi.ReasonOf(err))
		switch reason {
		case promapi.ReasonWarnings, promapi.ReasonExecution, promapi.ReasonBadQuery, promapi.ReasonWrongType, promapi.ReasonTooLarge:
			require.NoError(t, history.Err(), reason)
		default:
			require.ErrorIs(t, history.Err(), err, reason)
		}
	}
}

// TestHistoryPrefetches holds the next chunk to be under way while the present one is read, and what is behind to be freed.
func TestHistoryPrefetches(t *testing.T) {
	source := &ticker{}
	history := historyOf(source, 10)
	ask := func(step int) {
		_, err := history.Query(t.Context(), "x", replayFrom.Add(time.Duration(step)*time.Minute))
		require.NoError(t, err)
	}
	ask(0)
	history.Advance(t.Context(), replayFrom.Add(time.Minute))
	history.Wait()
	require.Equal(t, 2, source.ranges)
	ask(10)
	require.Equal(t, 2, source.ranges, "the second chunk was there")
	history.Advance(t.Context(), replayFrom.Add(15*time.Minute))
	history.Wait()
	require.Equal(t, 3, source.ranges)
	ask(0)
	require.Equal(t, 4, source.ranges, "the first chunk is not kept")
}

// TestHistoryRanges holds ranges that overlap, at any phase, to what the source answers.
func TestHistoryRanges(t *testing.T) {
	engine := randomHistory(t, 3, shortHistory)
	history := historyOf(engine, 64)
	for i := range someSteps() {
		at := replayFrom.Add(time.Duration(i) * time.Minute)
		history.Advance(t.Context(), at)
		for _, expr := range []string{"vllm:num_requests_running", "odd", "sum(odd)", `rate({__name__=~"first_a_total|first_b_total"}[5m])`, "time()"} {
			for _, r := range []v1.Range{
				{Start: at.Add(-9 * time.Minute), End: at, Step: time.Minute},
				{Start: at.Add(-time.Hour), End: at.Add(-time.Minute), Step: 90 * time.Second},
				{Start: at.Add(-7 * time.Second), End: at.Add(-7 * time.Second), Step: time.Minute},
			} {
				want, wantErr := engine.QueryRange(t.Context(), expr, r)
				got, err := history.QueryRange(t.Context(), expr, r)
				require.Equal(t, wantErr, err, "%s over %v", expr, r)
				require.Equal(t, want.String(), got.String(), "%s over %v", expr, r)
			}
		}
	}
	history.Wait()
	require.NoError(t, history.Err())
}

// TestRunEndsWhereTheSourceDoes names the failure and the step.
func TestRunEndsWhereTheSourceDoes(t *testing.T) {
	source := &ticker{bad: map[int]promapi.Reason{70: promapi.ReasonConnection}}
	_, err := replay.Run(t.Context(), loadConfig(t, exactConfigs["seasonal"]), source, replay.Options{
		From: replayFrom, To: replayFrom.Add(100 * time.Minute), Step: time.Minute, Concurrency: 4, Now: time.Now,
	})
	require.EqualError(t, err, "replay: step 1 of 100: connection: a bad step")
	ctx, cancel := context.WithCancel(t.Context())
	_, err = replay.Run(ctx, loadConfig(t, exactConfigs["seasonal"]), &ticker{}, replay.Options{
		From: replayFrom, To: replayFrom.Add(100 * time.Minute), Step: time.Minute, Concurrency: 4, Now: time.Now,
		Progress: func(done, of int) {
			require.Equal(t, 100, of)
			if done == 9 {
				cancel()
			}
		},
	})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "step 10 of 100")
}
