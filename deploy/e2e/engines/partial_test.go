package engines_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// clusterVariable names a directory with vminsert, vmselect and vmstorage, which cannot be had as a Go module.
const clusterVariable = "ENGINES_VICTORIAMETRICS_CLUSTER"

// vmCluster is a VictoriaMetrics cluster of two storage nodes.
type vmCluster struct {
	url   string // of the query API
	sinks []sink
	kill  func() // one storage node
}

// realCluster starts the programs of a cluster.
func (b *bench) realCluster(t *testing.T, dir string) vmCluster {
	t.Helper()
	for _, program := range []string{"vminsert", "vmselect", "vmstorage"} {
		b.bin[program] = filepath.Join(dir, program)
	}
	var insert, query []string
	var kill func()
	for _, name := range []string{"vmstorage-0", "vmstorage-1"} {
		web, inserts, selects := b.address(), b.address(), b.address()
		p := b.start(t, name, "vmstorage", "http://"+web+"/health", "-storageDataPath="+filepath.Join(b.dir, name),
			"-httpListenAddr="+web, "-vminsertAddr="+inserts, "-vmselectAddr="+selects)
		insert, query, kill = append(insert, inserts), append(query, selects), p.Kill
	}
	inserts, selects := b.address(), b.address()
	b.start(t, "vminsert", "vminsert", "http://"+inserts+"/health",
		"-httpListenAddr="+inserts, "-storageNode="+strings.Join(insert, ","))
	b.start(t, "vmselect", "vmselect", "http://"+selects+"/health", "-httpListenAddr="+selects,
		"-storageNode="+strings.Join(query, ","), "-cacheDataPath="+filepath.Join(b.dir, "vmselect"))
	return vmCluster{
		url:   "http://" + selects + "/select/0/prometheus",
		sinks: []sink{{name: "vminsert", url: "http://" + inserts + "/insert/0/prometheus/api/v1/write", keeps: everything}},
		kill:  kill,
	}
}

// standIn answers as a cluster of two storage nodes does: from a real VictoriaMetrics that has all series while both are there, and
// from one that has every second series after one was killed, with what vmselect then says of its answer.
func (b *bench) standIn(t *testing.T) vmCluster {
	t.Helper()
	whole, half := b.victoriaMetrics(t, "vm-nodes-0-and-1"), b.victoriaMetrics(t, "vm-node-0")
	var partial atomic.Bool
	address := b.address()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	must(t, err)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := whole
		if partial.Load() {
			from = half
		}
		selectFrom(w, r, from, partial.Load())
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return vmCluster{
		url: "http://" + address + "/select/0/prometheus",
		sinks: []sink{
			{name: "vm-nodes-0-and-1", url: whole + "/api/v1/write", keeps: everything},
			{name: "vm-node-0", url: half + "/api/v1/write", keeps: evenSeries},
		},
		kill: func() { partial.Store(true) },
	}
}

// cluster is the real one where its programs are named.
func (b *bench) cluster(t *testing.T) vmCluster {
	t.Helper()
	if dir := os.Getenv(clusterVariable); dir != "" {
		t.Logf("VictoriaMetrics cluster: the programs that %s names", clusterVariable)
		return b.realCluster(t, dir)
	}
	t.Logf("VictoriaMetrics cluster: a stand-in before two single nodes, as %s names no programs", clusterVariable)
	return b.standIn(t)
}

// selectFrom passes a question on, and says of the answer whether it is partial, where vmselect does.
func selectFrom(w http.ResponseWriter, r *http.Request, from string, partial bool) {
	if partial && r.URL.Query().Get("deny_partial_response") == "1" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"status":"error","errorType":"503","error":"cannot fetch data from vmstorage nodes: node 1 is unavailable"}`)
		return
	}
	url := from + strings.TrimPrefix(r.URL.Path, "/select/0/prometheus") + "?" + r.URL.RawQuery
	request, err := http.NewRequestWithContext(r.Context(), r.Method, url, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	request.Header.Set("Content-Type", r.Header.Get("Content-Type"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	status := []byte(`"status":"success",`)
	body = bytes.Replace(body, status, fmt.Appendf(nil, `%s"isPartial":%t,`, status, partial), 1)
	w.Header().Set("Content-Type", response.Header.Get("Content-Type"))
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write(body)
}
