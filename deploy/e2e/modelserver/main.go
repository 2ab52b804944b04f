// Modelserver is the model server of one simulated pod: requests take a slot each and last as long as their tokens take, what finds
// no slot waits, and its metrics have the names and labels of vLLM's.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "modelserver:", err)
		os.Exit(1) //nolint:forbidigo // This is main.
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("modelserver", flag.ContinueOnError)
	address := flags.String("listen", "127.0.0.1:8000", "address to listen on")
	model := flags.String("model", "", "name of the model")
	slots := flags.Int("slots", 1, "requests served at once")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s := newServer(*model, *slots)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("POST /v1/completions", s.complete)
	server := &http.Server{Addr: *address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	// Requests in service are lost when the pod goes, as they are when a model server's grace period is shorter than they last.
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// completion is a request, as far as it matters here.
type completion struct {
	PromptTokens int `json:"prompt_tokens"`
	MaxTokens    int `json:"max_tokens"`
}

// timePerToken is how long a token takes, however many requests are served.
const timePerToken = 20 * time.Millisecond

func (s *server) complete(w http.ResponseWriter, r *http.Request) {
	var c completion
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&c); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !s.enter(r.Context()) {
		return // the client has gone
	}
	defer s.leave()
	finished := time.NewTimer(time.Duration(c.MaxTokens) * timePerToken)
	defer finished.Stop()
	select {
	case <-r.Context().Done():
		return
	case <-finished.C:
	}
	s.completed(c)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"object":"text_completion","usage":{"prompt_tokens":%d,"completion_tokens":%d}}`, c.PromptTokens, c.MaxTokens)
}
