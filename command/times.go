package command

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/model"
)

// period is a part of the history, as flags give it.
type period struct{ from, to string }

func (p *period) addFlags(cmd *kingpin.CmdClause, from string) {
	cmd.Flag("from", "Start of the history: RFC 3339, Unix seconds, or how long ago.").Default(from).StringVar(&p.from)
	cmd.Flag("to", "End of the history: RFC 3339, Unix seconds, or how long ago.").Default("now").StringVar(&p.to)
}

// times returns the start and the end.
func (p *period) times(now time.Time) (from, to time.Time, err error) {
	if from, err = parseTime(p.from, now); err != nil {
		return from, to, fmt.Errorf("--from: %w", err)
	}
	if to, err = parseTime(p.to, now); err != nil {
		return from, to, fmt.Errorf("--to: %w", err)
	}
	return from, to, nil
}

// parseTime reads a time: RFC 3339, seconds since the epoch, a duration before now with or without a minus, or the word now.
func parseTime(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if text == "now" {
		return now, nil
	}
	if ago, err := model.ParseDuration(strings.TrimPrefix(text, "-")); err == nil {
		return now.Add(-time.Duration(ago)), nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(math.Abs(seconds) < maxUnixSeconds) {
		return time.Time{}, fmt.Errorf("%q is neither a time such as 2026-11-02T15:04:05Z or 1793631845 nor how long ago, such as 7d", text)
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
}

// maxUnixSeconds is the end of the year 9999, beyond which RFC 3339 has no times.
const maxUnixSeconds = 253402300800
