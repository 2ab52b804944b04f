package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/alecthomas/kingpin/v2"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// explainFlags are the flags of explain.
type explainFlags struct {
	model, config, at string
	exporter          *url.URL // a running one, which is asked instead
	httpConfig        string
	format            string
	timeout           time.Duration
	queryTimeout      time.Duration
	concurrency       int
}

func newExplainCommand(app *kingpin.Application) command {
	cmd := app.Command("explain", "Evaluate once and tell why: for each model its demand, what was planned, what the guards made of it, "+
		"and what that rests on.")
	f := &explainFlags{}
	cmd.Arg("model", "Model to explain, as name or namespace/name. Default: all.").StringVar(&f.model)
	addConfigFileFlag(cmd, &f.config)
	cmd.Flag("at", "Time to explain: RFC 3339, Unix seconds, or how long ago. It needs prometheus.url.").Default("0s").StringVar(&f.at)
	cmd.Flag("url", "Instead, ask a running exporter, such as http://"+defaultListenAddress+".").PlaceHolder("URL").URLVar(&f.exporter)
	cmd.Flag("http.config.file", "With --url: file with TLS and authentication for the exporter, as Prometheus' http_config.").
		PlaceHolder("FILE").StringVar(&f.httpConfig)
	cmd.Flag("format", "Output format: text, json.").Default("text").EnumVar(&f.format, "text", "json")
	cmd.Flag("timeout", "Longest evaluation.").Default("20s").DurationVar(&f.timeout)
	cmd.Flag("query.timeout", "Longest single query.").Default(promapi.DefaultTimeout.String()).DurationVar(&f.queryTimeout)
	cmd.Flag("query.max-concurrency", "Queries sent at once.").Default("8").IntVar(&f.concurrency)
	cmd.Validate(func(*kingpin.CmdClause) error { return f.validate() })
	return command{name: cmd.FullCommand(), run: f.run}
}

// validate finds what does not go together.
func (f *explainFlags) validate() error {
	switch {
	case f.exporter != nil && (f.exporter.Scheme != "http" && f.exporter.Scheme != "https" || f.exporter.Host == ""):
		return errors.New("--url must be that of an exporter, such as http://" + defaultListenAddress)
	case f.exporter != nil && f.at != "0s":
		return errors.New("--at and --url: a running exporter explains the present only")
	case f.exporter == nil && f.httpConfig != "":
		return errors.New("--http.config.file is for --url: for Prometheus, the configuration has http_config")
	case f.timeout <= 0:
		return errors.New("--timeout must be above zero")
	case f.queryTimeout <= 0:
		return errors.New("--query.timeout must be above zero")
	}
	return nil
}

// run prints an explanation. That something could not be decided is an answer like any other.
func (f *explainFlags) run(ctx context.Context, std stdio) error {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	ask := f.evaluate
	if f.exporter != nil {
		ask = f.fetch
	}
	explanation, err := ask(ctx)
	if err != nil {
		return err
	}
	if f.format == "json" {
		return writeJSON(std.out, explanation)
	}
	return explanation.WriteText(std.out)
}

// evaluate asks the configured Prometheus.
func (f *explainFlags) evaluate(ctx context.Context) (*explain.Explanation, error) {
	cfg, found, err := config.LoadFile(f.config)
	if err != nil {
		return nil, err
	}
	if cfg == nil {
		return nil, fmt.Errorf("%s cannot be used:\n%w", f.config, found.Err())
	}
	if cfg.Prometheus == nil {
		return nil, errors.New("explain needs prometheus.url: without it, only the running exporter has the history. " +
			"Ask that one with --url=http://" + defaultListenAddress + ", or GET /api/v1/explain of it")
	}
	at, err := parseTime(f.at, time.Now())
	if err != nil {
		return nil, fmt.Errorf("--at: %w", err)
	}
	evaluator, closeClient, err := newEvaluator(cfg, f.queryTimeout, f.concurrency)
	if err != nil {
		return nil, err
	}
	defer closeClient()
	return explain.Of(evaluator.Evaluate(ctx, at), f.model, func() bool { return ctx.Err() != nil })
}

// fetch asks a running exporter.
func (f *explainFlags) fetch(ctx context.Context) (*explain.Explanation, error) {
	client, err := f.client()
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	target := f.exporter.JoinPath("api/v1/explain")
	target.RawQuery = url.Values{"model": {f.model}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", target.Redacted(), err)
	}
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", strconv.FormatFloat(f.timeout.Seconds(), 'f', -1, 64))
	req.Header.Set("User-Agent", "variant_exporter/"+version.Version)
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the exporter: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		*explain.Explanation
		Error string `json:"error"`
	}
	decodeErr := json.NewDecoder(resp.Body).Decode(&answer)
	switch {
	case answer.Error != "":
		return nil, errors.New(answer.Error)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers %s", target.Redacted(), resp.Status)
	case decodeErr != nil || answer.Explanation == nil:
		return nil, fmt.Errorf("the answer of %s is no explanation: is it an exporter of this version?", target.Redacted())
	}
	return answer.Explanation, nil
}

func (f *explainFlags) client() (*http.Client, error) {
	settings := &promconfig.HTTPClientConfig{FollowRedirects: true}
	if f.httpConfig != "" {
		var err error
		if settings, _, err = promconfig.LoadHTTPConfigFile(f.httpConfig); err != nil {
			return nil, fmt.Errorf("%s: %w", f.httpConfig, err)
		}
	}
	return promconfig.NewClientFromConfig(*settings, "exporter")
}
