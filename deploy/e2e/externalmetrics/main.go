// Externalmetrics stands in for Prometheus Adapter in tests of this project, where that program cannot be had: it serves external
// metrics by the externalRules of the adapter's configuration, from a Prometheus, and takes the same flags. It is no adapter for
// clusters: it knows no custom or resource metrics, no authentication towards Prometheus, and of external rules only what this
// project generates. What it does not know it refuses.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	promapi "github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/cmd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "externalmetrics:", err)
		os.Exit(1) //nolint:forbidigo // This is main.
	}
}

func run(ctx context.Context, args []string) error {
	adapter := &cmd.AdapterBase{Name: "externalmetrics"}
	flags := adapter.Flags()
	prometheusURL := flags.String("prometheus-url", "", "Prometheus to ask")
	config := flags.String("config", "", "file with externalRules")
	relist := flags.Duration("metrics-relist-interval", time.Minute, "how often to ask which series there are")
	maxAge := flags.Duration("metrics-max-age", time.Minute, "how far back a series counts as being there")
	if err := flags.Parse(args); err != nil {
		return err
	}
	text, err := os.ReadFile(*config)
	if err != nil {
		return fmt.Errorf("read the rules: %w", err)
	}
	rules, err := readRules(text)
	if err != nil {
		return err
	}
	client, err := promapi.NewClient(promapi.Config{Address: *prometheusURL})
	if err != nil {
		return fmt.Errorf("reach Prometheus: %w", err)
	}
	p := &rulesProvider{prometheus: promv1.NewAPI(client), rules: rules, maxAge: *maxAge, now: time.Now} //nolint:forbidigo // This is main.
	go p.relist(ctx, *relist)
	adapter.WithExternalMetrics(p)
	return adapter.Run(ctx)
}
