package promapi

import (
	"bytes"
	"sync"

	"github.com/prometheus/common/model"
)

const (
	// maxKnown bounds how many sets of labels are remembered, knownBytes the memory that they take: each twice over, for those of lately
	// and those of before.
	maxKnown   = 1 << 14
	knownBytes = 12 << 20
	// longLabels is the length from which on labels are not remembered.
	longLabels = 4 << 10
)

// knownLabels remembers sets of labels as they are written. An answer mostly has the labels of the one before: they are neither read nor
// kept in memory again. Callers must not change them.
type knownLabels struct {
	mu             sync.Mutex
	lately, before map[string]model.Metric
	bytes          int // of lately
}

// find returns the labels that are written so, or nil.
func (k *knownLabels) find(raw []byte) model.Metric {
	k.mu.Lock()
	defer k.mu.Unlock()
	metric, ok := k.lately[string(raw)]
	if !ok {
		if metric, ok = k.before[string(raw)]; ok {
			k.put(string(raw), metric)
		}
	}
	return metric
}

// remember notes that labels are written so.
func (k *knownLabels) remember(raw []byte, metric model.Metric) {
	if len(raw) >= longLabels {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.put(string(raw), metric)
}

func (k *knownLabels) put(raw string, metric model.Metric) {
	if k.lately == nil || len(k.lately) == maxKnown || k.bytes > knownBytes {
		k.lately, k.before, k.bytes = map[string]model.Metric{}, k.lately, 0
	}
	k.lately[raw] = metric
	k.bytes += labelsBytes + 2*len(raw) // as it is written, and as it is read
}

// object is a flat object at the beginning of some JSON, as it is written; nil where there is none.
func object(data []byte) []byte {
	if len(data) == 0 || data[0] != '{' {
		return nil
	}
	for i := 1; i < len(data); i++ {
		switch data[i] {
		case '}':
			return data[:i+1]
		case '{', '[':
			return nil
		case '"':
			end := i + 1
			for {
				n := bytes.IndexByte(data[end:], '"')
				if n < 0 {
					return nil
				}
				if end += n + 1; data[end-2] != '\\' {
					break
				}
			}
			i = end - 1
		}
	}
	return nil
}
