// Command variant_exporter evaluates PromQL inputs on each scrape, plans the cheapest replicas of every LLM variant that carry the
// load, and exposes them for autoscalers.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/variant-exporter/variant-exporter/command"
)

func main() {
	command.StampVersion()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // A second signal ends the process at once.
	os.Exit(command.Run(ctx, os.Args[1:], command.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
