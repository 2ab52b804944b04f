package past

import (
	"context"
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
)

// maxMoments bounds how many single moments are kept.
const maxMoments = 8

// moments are single evaluations of the past.
type moments struct {
	evaluator *collector.Evaluator // guarded by Keeper.slot
	kept      map[int64]moment     // by Unix seconds; guarded by Keeper.mu
}

type moment struct {
	snapshot *collector.Snapshot
	made     time.Time
	whole    bool // it would be made the same again
}

// At makes the decision of a past moment again, to the second. It always returns a snapshot, as an evaluation of the present does,
// unless ctx ends before its turn has come.
func (k *Keeper) At(ctx context.Context, at time.Time) (*collector.Snapshot, error) {
	at = at.Truncate(time.Second).UTC()
	if s := k.known(at); s != nil {
		return s, nil
	}
	release, err := k.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if s := k.known(at); s != nil { // Somebody else asked for it meanwhile.
		return s, nil
	}
	snapshot := k.moments.evaluator.Evaluate(ctx, at)
	k.remember(at, snapshot)
	return snapshot, nil
}

func (k *Keeper) known(at time.Time) *collector.Snapshot {
	now := k.options.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	m, ok := k.moments.kept[at.Unix()]
	if !ok || !m.whole && now.Sub(m.made) >= Interval {
		return nil
	}
	return m.snapshot
}

func (k *Keeper) remember(at time.Time, s *collector.Snapshot) {
	now := k.options.Now()
	whole := now.Sub(at) >= settled
	for i := range s.Inputs {
		whole = whole && s.Inputs[i].Err == nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.moments.kept[at.Unix()] = moment{snapshot: s, made: now, whole: whole}
	for len(k.moments.kept) > maxMoments {
		oldest, made := int64(0), now.Add(time.Hour)
		for key, m := range k.moments.kept {
			if m.made.Before(made) {
				oldest, made = key, m.made
			}
		}
		delete(k.moments.kept, oldest)
	}
}
