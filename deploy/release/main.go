// Command release builds what a release consists of: static programs for every platform, in archives, with their checksums and a bill of
// materials, and an OCI image layout for the platforms of Linux. It needs Go and nothing else, no Docker daemon, and makes the same bytes
// of the same revision each time: all times in its output are the revision's.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	root, output string
	version      string
	revision     string
	platforms    []string
	when         time.Time
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	programs, err := build(ctx, o)
	if err != nil {
		return err
	}
	if err := writeArchives(o, programs); err != nil {
		return err
	}
	if err := writeSBOM(o, programs); err != nil {
		return err
	}
	digest, err := writeImage(o, programs)
	if err != nil {
		return err
	}
	if err := writeSums(o); err != nil {
		return err
	}
	fmt.Printf("%s: %d programs, image %s\n", o.output, len(programs), digest)
	return nil
}

func parse(args []string) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.StringVar(&o.root, "root", "../..", "root of the repository")
	flags.StringVar(&o.output, "output", "../../dist", "folder to write; what is in it is deleted first")
	flags.StringVar(&o.version, "version", "", "version, such as v0.1.0")
	flags.StringVar(&o.revision, "revision", "unknown", "revision of the sources")
	platforms := flags.String("platforms", "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64", "what to build for")
	when := flags.Int64("time", 0, "time of the revision, in seconds since 1970")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if o.version == "" || *when <= 0 {
		return nil, fmt.Errorf("-version and -time are needed: make release gives them")
	}
	o.platforms, o.when = strings.Split(*platforms, ","), time.Unix(*when, 0).UTC()
	return o, nil
}
