package command

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

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/past"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// explainFlags are the flags of explain.
type explainFlags struct {
	model, config, at string
	exporter          *url.URL // a running exporter to ask, instead of Prometheus
	httpConfig        string
	format            string
	showQueries       bool
	timeout           time.Duration
	queries           queries
	checks            checks
}

func newExplainCommand(app *kingpin.Application) command {
	cmd := app.Command("explain", "Evaluate once and tell why: for each model its demand, what was planned, what the guards made of it, "+
		"and what that rests on.")
	f := &explainFlags{}
	cmd.Arg("model", "Model to explain, as name or namespace/name. Default: all.").StringVar(&f.model)
	addConfigFileFlag(cmd, &f.config, "Configuration file.")
	cmd.Flag("at", "Time to explain: RFC 3339, Unix seconds, or how long ago. It needs prometheus.url.").Default("0s").StringVar(&f.at)
	cmd.Flag("url", "Instead, ask a running exporter, such as http://"+defaultListenAddress+".").PlaceHolder("URL").URLVar(&f.exporter)
	cmd.Flag("http.config.file", "With --url: file with TLS and authentication for the exporter, as Prometheus' http_config.").
		PlaceHolder("FILE").StringVar(&f.httpConfig)
	addFormatFlag(cmd, &f.format, []string{"text", "json"})
	cmd.Flag("queries", "Also write the PromQL of each input. JSON always has it.").BoolVar(&f.showQueries)
	cmd.Flag("timeout", "Longest evaluation.").Default("20s").DurationVar(&f.timeout)
	f.checks.require("timeout", "be above zero", func() bool { return f.timeout > 0 })
	f.queries.addTimeoutFlag(cmd, &f.checks, promapi.DefaultTimeout.String(), "Longest single query.")
	f.queries.addConcurrencyFlag(cmd, &f.checks)
	f.checks.add(f.validate)
	cmd.Validate(f.checks.run)
	return command{name: cmd.FullCommand(), run: f.run}
}

// validate refuses flags that do not go together.
func (f *explainFlags) validate() error {
	switch {
	case f.exporter != nil && (f.exporter.Scheme != "http" && f.exporter.Scheme != "https" || f.exporter.Host == ""):
		return errors.New("--url must be that of an exporter, such as http://" + defaultListenAddress)
	case f.exporter != nil && f.at != "0s":
		return errors.New("--at and --url: a running exporter explains the present only")
	case f.exporter == nil && f.httpConfig != "":
		return errors.New("--http.config.file is for --url: for Prometheus, the configuration has http_config")
	}
	return nil
}

// run prints an explanation. It succeeds also where something could not be decided: that is an answer.
func (f *explainFlags) run(ctx context.Context, std Streams) error {
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
		return writeJSON(std.Out, explanation)
	}
	return explanation.WriteText(std.Out, f.showQueries)
}

// evaluate asks the configured Prometheus.
func (f *explainFlags) evaluate(ctx context.Context) (*explain.Explanation, error) {
	at, err := past.ParseTime(f.at, time.Now())
	if err != nil {
		return nil, fmt.Errorf("--at: %w", err)
	}
	cfg, client, err := f.queries.open(f.config)
	if errors.Is(err, errNoPrometheus) {
		return nil, fmt.Errorf("%w: ask the running exporter instead, with --url=http://%s", err, defaultListenAddress)
	}
	if err != nil {
		return nil, err
	}
	defer client.Close()
	evaluator, err := f.queries.evaluator(cfg, client)
	if err != nil {
		return nil, err
	}
	snapshot := evaluator.Evaluate(ctx, at)
	explanation, err := explain.Of(snapshot, f.model, func() bool { return ctx.Err() != nil })
	if err != nil {
		return nil, err
	}
	if f.at != "0s" && explanation.NothingKnown() {
		return nil, fmt.Errorf("nothing is known at %s: no input has a series then. Does the history of this Prometheus go back so far? See what it knows now without --at", at.UTC().Format(time.RFC3339))
	}
	explanation.Doubts = evaluator.Doubts(ctx, snapshot, explanation.IDs())
	return explanation, nil
}

// fetch asks a running exporter.
func (f *explainFlags) fetch(ctx context.Context) (*explain.Explanation, error) {
	client, err := f.client(f.exporter)
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
	req.Header.Set("User-Agent", userAgent())
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
		return nil, fmt.Errorf("the answer of %s is not an explanation: does an exporter of this version run there?", target.Redacted())
	}
	return answer.Explanation, nil
}

// client asks an exporter. It follows no redirect to another host or port: credentials must not go there.
func (f *explainFlags) client(target *url.URL) (*http.Client, error) {
	settings := &promconfig.HTTPClientConfig{FollowRedirects: true}
	if f.httpConfig != "" {
		var err error
		if settings, _, err = config.LoadHTTPConfigFile(f.httpConfig); err != nil {
			return nil, fmt.Errorf("--http.config.file: %w", err)
		}
	}
	client, err := promconfig.NewClientFromConfig(*settings, "exporter")
	if err == nil && settings.FollowRedirects {
		client.CheckRedirect = promapi.SameOrigin(target)
	}
	return client, err
}
