package promapi

import (
	"bytes"
	"sync"

	"github.com/prometheus/common/model"
)

// maxKnown bounds how many sets of labels are remembered, twice over: those of lately and those of before.
const maxKnown = 1 << 14

// knownLabels remembers sets of labels as they are written. An answer mostly has the labels of the one before: they are neither read nor
// kept in memory again. Whoever gets them must not change them.
type knownLabels struct {
	mu             sync.Mutex
	lately, before map[string]model.Metric
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
	k.mu.Lock()
	defer k.mu.Unlock()
	k.put(string(raw), metric)
}

func (k *knownLabels) put(raw string, metric model.Metric) {
	if k.lately == nil || len(k.lately) == maxKnown {
		k.lately, k.before = map[string]model.Metric{}, k.lately
	}
	k.lately[raw] = metric
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
