package engines_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	history     = time.Hour
	historyStep = 15 * time.Second
	liveStep    = time.Second
)

// sink is a store that is written to.
type sink struct {
	name, url string
	keeps     func(sample) bool
}

// writer gives the same samples to all sinks: an hour of history at once, and then what is now, every second.
type writer struct {
	mu    sync.Mutex
	sinks []sink
	level float64
	err   error
}

// start writes the history, and goes on until the test ends.
func (w *writer) start(t *testing.T) {
	t.Helper()
	now := time.Now().Truncate(liveStep)
	for _, s := range w.sinks {
		var moments []time.Time
		for at := now.Add(-history); !at.After(now); at = at.Add(historyStep) {
			moments = append(moments, at)
		}
		for part := range slices.Chunk(moments, 20) {
			if err := s.write(t.Context(), w.level, part...); err != nil {
				t.Fatal(err)
			}
		}
	}
	go func() {
		ticker := time.NewTicker(liveStep)
		defer ticker.Stop()
		for {
			select {
			case <-t.Context().Done():
				return
			case at := <-ticker.C:
				w.write(t.Context(), at)
			}
		}
	}()
}

// write gives all sinks what is now.
func (w *writer) write(ctx context.Context, at time.Time) {
	w.mu.Lock()
	sinks, level := slices.Clone(w.sinks), w.level
	w.mu.Unlock()
	for _, s := range sinks {
		if err := s.write(ctx, level, at); err != nil && ctx.Err() == nil {
			w.mu.Lock()
			if slices.ContainsFunc(w.sinks, func(other sink) bool { return other.name == s.name }) {
				w.err = err
			}
			w.mu.Unlock()
		}
	}
}

// set changes the level of the scene, and reports whether it was another.
func (w *writer) set(level float64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	changed := w.level != level
	w.level = level
	return changed
}

// leave stops writing to a sink, before it is killed.
func (w *writer) leave(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sinks = slices.DeleteFunc(w.sinks, func(s sink) bool { return s.name == name })
}

// failed is why a sink that should be there could not be written to.
func (w *writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// write sends the scene at some moments by Prometheus' remote write, version 1.
func (s sink) write(ctx context.Context, level float64, moments ...time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	body := uncompressed(s.request(level, moments))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("write to %s: %w", s.name, err)
	}
	request.Header.Set("Content-Encoding", "snappy")
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("write to %s: %w", s.name, err)
	}
	defer func() { _ = response.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("write to %s: %w", s.name, err)
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("write to %s: %s: %s", s.name, response.Status, said)
	}
	return nil
}

// request is a WriteRequest: series (1) of labels (1: name 1, value 2) and samples (2: value 1, milliseconds 2).
func (s sink) request(level float64, moments []time.Time) []byte {
	scenes := make([][]sample, len(moments))
	for i, at := range moments {
		scenes[i] = scene(at, level)
	}
	var body []byte
	for i, first := range scenes[0] {
		if !s.keeps(first) {
			continue
		}
		var one []byte
		for _, name := range slices.Sorted(maps.Keys(first.labels)) {
			var label []byte
			label = protowire.AppendTag(label, 1, protowire.BytesType)
			label = protowire.AppendString(label, name)
			label = protowire.AppendTag(label, 2, protowire.BytesType)
			label = protowire.AppendString(label, first.labels[name])
			one = protowire.AppendTag(one, 1, protowire.BytesType)
			one = protowire.AppendBytes(one, label)
		}
		for j, at := range moments {
			var value []byte
			value = protowire.AppendTag(value, 1, protowire.Fixed64Type)
			value = protowire.AppendFixed64(value, math.Float64bits(scenes[j][i].value))
			value = protowire.AppendTag(value, 2, protowire.VarintType)
			value = protowire.AppendVarint(value, uint64(at.UnixMilli()))
			one = protowire.AppendTag(one, 2, protowire.BytesType)
			one = protowire.AppendBytes(one, value)
		}
		body = protowire.AppendTag(body, 1, protowire.BytesType)
		body = protowire.AppendBytes(body, one)
	}
	return body
}

// uncompressed puts bytes into Snappy's block format, as literals of at most 64 KiB.
func uncompressed(body []byte) []byte {
	block := binary.AppendUvarint(nil, uint64(len(body)))
	for part := range slices.Chunk(body, 1<<16) {
		block = append(block, 61<<2)
		block = binary.LittleEndian.AppendUint16(block, uint16(len(part)-1))
		block = append(block, part...)
	}
	return block
}
