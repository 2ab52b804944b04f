package collector

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// TestFailuresDoNotFloodTheLog: whatever sequence of reasons an input has for an hour, it gets few lines.
func TestFailuresDoNotFloodTheLog(t *testing.T) {
	for name, reason := range map[string]func(i int) promapi.Reason{
		"each time another": func(i int) promapi.Reason { return promapi.Reasons()[1+i%(len(promapi.Reasons())-1)] },
		"every other time":  func(i int) promapi.Reason { return []promapi.Reason{"", promapi.ReasonTimeout}[i%2] },
		"two in turn": func(i int) promapi.Reason {
			return []promapi.Reason{promapi.ReasonWarnings, promapi.ReasonTimeout}[i%2]
		},
		"the same": func(int) promapi.Reason { return promapi.ReasonTimeout },
		"two, then it works": func(i int) promapi.Reason {
			return []promapi.Reason{promapi.ReasonWarnings, promapi.ReasonTimeout, ""}[i%3]
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			var l failureLog
			at := time.Unix(1_800_000_000, 0)
			for i := range 720 {
				in := Input{Name: "in"}
				if in.Failure = reason(i); in.Failure != "" {
					in.Err = fmt.Errorf("failure %d", i)
				}
				l.report(slog.New(slog.NewTextHandler(&out, nil)), at.Add(time.Duration(i)*5*time.Second), &Snapshot{Inputs: []Input{in}})
			}
			lines := strings.Count(out.String(), "\n")
			require.Positive(t, lines)
			require.LessOrEqual(t, lines, 6*mostLines, "in an hour")
		})
	}
}

// TestServersOfOtherNamesAreLogged: once when they come, and once when they are gone.
func TestServersOfOtherNamesAreLogged(t *testing.T) {
	var out bytes.Buffer
	var l failureLog
	at, n := time.Unix(1_800_000_000, 0), 2
	for i, workloads := range [][]string{nil, {"x", "y"}, {"x", "y"}, nil, nil} {
		m := Model{Name: "m", Namespace: "ns", Signals: []Signal{{Name: "load", Others: &n, OtherWorkloads: workloads}}}
		l.report(slog.New(slog.NewTextHandler(&out, nil)), at.Add(time.Duration(i)*time.Second), &Snapshot{Decision: decide.Decision{Models: []Model{m}}})
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2)
	require.Contains(t, lines[0], `model=m namespace=ns signal=load servers=2 workloads="x, y"`)
	require.Contains(t, lines[1], "again")
}

// TestOneCauseIsLoggedOnce: where all inputs fail alike, that is one line, and another when they have answers again.
func TestOneCauseIsLoggedOnce(t *testing.T) {
	var out bytes.Buffer
	var l failureLog
	at := time.Unix(1_800_000_000, 0)
	for i := range 6 {
		inputs := []Input{{Name: "a"}, {Name: "b"}, {Name: "c"}}
		for j := range inputs {
			if i < 3 {
				inputs[j].Failure, inputs[j].Err = promapi.ReasonConnection, errors.New("refused")
			}
		}
		l.report(slog.New(slog.NewTextHandler(&out, nil)), at.Add(time.Duration(i)*5*time.Second), &Snapshot{Inputs: inputs})
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2)
	require.Contains(t, lines[0], `msg="no input has a usable answer" inputs=3 reason=connection err=refused`)
	require.Contains(t, lines[1], `msg="inputs have answers again" inputs=3`)
}
