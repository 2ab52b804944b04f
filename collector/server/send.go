package server

import (
	"bytes"
	"container/list"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"
)

const (
	// sendTimeout is how long a client may take to read an answer.
	sendTimeout = 15 * time.Second
	// maxSending bounds the bytes of the answers that are being read at once.
	maxSending = 32 << 20
)

// held is an answer in memory: a slow reader holds nothing but its bytes.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (h *held) Header() http.Header { return h.header }

// WriteHeader implements http.ResponseWriter.
func (h *held) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

// Write implements http.ResponseWriter.
func (h *held) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(p)
}

// sending are the answers that are being read.
type sending struct {
	timeout time.Duration // of each

	mu    sync.Mutex
	order list.List // of reader, the oldest first
	bytes int
}

// reader is a client that reads an answer.
type reader struct {
	control *http.ResponseController
	bytes   int
}

// send writes an answer, and cuts the client off that takes too long. When too much is being read at once, those who began first are
// cut off: they have had the most time.
func (s *sending) send(w http.ResponseWriter, h *held) {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(s.timeout)) //nolint:forbidigo // net.Conn wants the time of this machine.
	defer s.done(s.admit(reader{control, h.body.Len()}))
	maps.Copy(w.Header(), h.header)
	if h.status != 0 {
		w.WriteHeader(h.status)
	}
	_, _ = io.Copy(w, &h.body) // A client that has left gets nothing.
	_ = control.Flush()
}

// admit makes room for a reader.
func (s *sending) admit(r reader) *list.Element {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.order.Len() > 0 && s.bytes+r.bytes > maxSending {
		oldest := s.order.Remove(s.order.Front()).(reader)
		_ = oldest.control.SetWriteDeadline(time.Unix(1, 0))
		s.bytes -= oldest.bytes
	}
	s.bytes += r.bytes
	return s.order.PushBack(r)
}

// done forgets a reader, unless it was cut off.
func (s *sending) done(place *list.Element) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.order.Len()
	if r := s.order.Remove(place).(reader); s.order.Len() < before {
		s.bytes -= r.bytes
	}
}
