package command

import (
	"fmt"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/variant-exporter/variant-exporter/collector/past"
)

// period is a part of the history, as flags give it.
type period struct{ from, to string }

func (p *period) addFlags(cmd *kingpin.CmdClause, from string) {
	cmd.Flag("from", "Start of the history: RFC 3339, Unix seconds, or how long ago.").Default(from).StringVar(&p.from)
	cmd.Flag("to", "End of the history: RFC 3339, Unix seconds, or how long ago.").Default("now").StringVar(&p.to)
}

// times returns the start and the end.
func (p *period) times(now time.Time) (from, to time.Time, err error) {
	if from, err = past.ParseTime(p.from, now); err != nil {
		return from, to, fmt.Errorf("--from: %w", err)
	}
	if to, err = past.ParseTime(p.to, now); err != nil {
		return from, to, fmt.Errorf("--to: %w", err)
	}
	return from, to, nil
}
