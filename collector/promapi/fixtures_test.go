package promapi_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// at is a time with milliseconds, as the clocks of scrapes have them.
var at = time.UnixMilli(1_790_000_000_123).UTC()

// oneSample is a whole answer.
const oneSample = `{"status":"success","data":{"resultType":"vector","result":[` +
	`{"metric":{"model_name":"llama"},"value":[1790000000.123,"7"]}]}}`

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func connect(t *testing.T, cfg promapi.Config) *promapi.Client {
	t.Helper()
	client, err := promapi.New(cfg)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// say answers every request alike.
func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// sayGzip answers as a server does that was told that gzip is accepted.
func sayGzip(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			http.Error(w, "gzip is not accepted", http.StatusNotAcceptable)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(body)
	}
}

func compress(t *testing.T, text string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return buf.Bytes()
}

// untilGone sends a first part, if any, and then nothing until the client has gone.
func untilGone(first string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil { // The server watches for the client's going once the body is read.
			return
		}
		if first != "" {
			fmt.Fprint(w, first)
			if err := http.NewResponseController(w).Flush(); err != nil {
				return
			}
		}
		<-r.Context().Done()
	}
}

// padded is a valid answer of at least n bytes.
func padded(n int) string {
	return strings.Replace(oneSample, "llama", strings.Repeat("x", n), 1)
}
