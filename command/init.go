package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/discover"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// initFlags are the flags of init.
type initFlags struct {
	url, httpConfig     string
	namespace, selector string
	from                string
	ttft, itl           time.Duration
	output              string
	force, update       bool
	typed               string
	queries             queries
	checks              checks
}

func newInitCommand(app *kingpin.Application) command {
	cmd := app.Command("init", "Write a configuration from what a Prometheus knows of model servers, gateways and workloads. "+
		"Each value says where it comes from, and what is still to be done about it.")
	f := &initFlags{}
	cmd.Flag("prometheus.url", "Prometheus, or Thanos, Mimir or VictoriaMetrics, as the exporter will reach it. With --update, default: that of the configuration.").
		PlaceHolder("URL").StringVar(&f.url)
	cmd.Flag("http.config.file", "File with TLS, authentication and headers for it, as Prometheus' http_config.").PlaceHolder("FILE").StringVar(&f.httpConfig)
	cmd.Flag("namespace", "Regular expression for the whole names of namespaces to look at. Default: all.").PlaceHolder("REGEXP").StringVar(&f.namespace)
	cmd.Flag("selector", `Label matchers for all series, where one store has several clusters, such as {cluster="eu"}.`).PlaceHolder("SELECTOR").StringVar(&f.selector)
	cmd.Flag("from", "How far back to look, for starts, loads and replicas.").Default("7d").StringVar(&f.from)
	cmd.Flag("slo.ttft", "Target for the mean time to the first token, for capacities from history.").Default("2s").DurationVar(&f.ttft)
	cmd.Flag("slo.itl", "Target for the mean time between output tokens, for capacities from history.").Default("60ms").DurationVar(&f.itl)
	cmd.Flag("output", "File to write, instead of standard output; with --update, the one to compare with.").PlaceHolder("FILE").StringVar(&f.output)
	cmd.Flag("force", "Overwrite the file.").BoolVar(&f.force)
	cmd.Flag("update", "Instead, show what has changed since the file was written (--output, default "+defaultConfigFile+"). Nothing is written.").BoolVar(&f.update)
	f.queries.addTimeoutFlag(cmd, &f.checks, "1m", "Longest single query.")
	f.queries.addMaxBodyFlag(cmd, &f.checks, replayMaxBody, "Largest answer to a query, decompressed.")
	f.checks.add(f.validate)
	cmd.PreAction(func(parsed *kingpin.ParseContext) error {
		f.typed = typed(cmd.FullCommand(), parsed)
		return nil
	})
	cmd.Validate(f.checks.run)
	return command{name: cmd.FullCommand(), run: f.run}
}

// validate refuses flags that make no sense, or do not go together.
func (f *initFlags) validate() error {
	switch u, err := url.Parse(f.url); {
	case f.update && f.force:
		return errors.New("--update and --force: --update writes nothing")
	case f.url == "" && f.update:
	case f.url == "":
		return errors.New("--prometheus.url is needed, such as http://prometheus-operated.monitoring:9090")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("--prometheus.url must be that of a Prometheus, such as http://prometheus-operated.monitoring:9090")
	case u.User != nil:
		return errors.New("--prometheus.url with credentials: put them into a file for --http.config.file")
	}
	if f.ttft <= 0 || f.itl <= 0 {
		return errors.New("--slo.ttft and --slo.itl must be above zero")
	}
	return nil
}

func (f *initFlags) run(ctx context.Context, std Streams) error {
	var old *config.Config
	if f.update {
		var err error
		if old, err = loadConfig(f.file()); err != nil {
			return err
		}
	} else if err := f.mayWrite(); err != nil {
		return err
	}
	o, client, err := f.open(old)
	if err != nil {
		return err
	}
	defer client.Close()
	fleet, err := discover.Look(ctx, client, o)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return fmt.Errorf("nothing is written: %w", err)
	}
	text := fleet.String()
	if f.update {
		return writeChanges(std.Out, f.file(), old, fleet)
	}
	if f.output == "" {
		_, err = io.WriteString(std.Out, text)
	} else {
		err = writeFile(f.output, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
	}
	if err == nil {
		f.sayNext(std.Err, fleet)
	}
	return err
}

// sayNext says what was found, what of it matters most, and what to do with it.
func (f *initFlags) sayNext(w io.Writer, fleet *discover.Fleet) {
	for _, note := range fleet.Notes {
		fmt.Fprintln(w, "note:", strings.TrimPrefix(note, "TODO: "))
	}
	save, file := "", f.output
	if file == "" {
		save, file = "save this, such as in "+defaultConfigFile+", ", "FILE"
	}
	fmt.Fprintf(w, "%[1]s. Next: %[2]ssettle what variant_exporter check %[3]s lists, then run variant_exporter check --online %[3]s\n", fleet.Summary(), save, file)
}

func (f *initFlags) file() string {
	if f.output == "" {
		return defaultConfigFile
	}
	return f.output
}

// mayWrite refuses to overwrite a file.
func (f *initFlags) mayWrite() error {
	if f.output == "" || f.force {
		return nil
	}
	if _, err := os.Stat(f.output); err == nil {
		return fmt.Errorf("%s already exists: see what has changed with --update, or overwrite it with --force", f.output)
	}
	return nil
}

// open returns what to look for, and a client to ask. With --update what the flags do not say is as in the configuration.
func (f *initFlags) open(old *config.Config) (o discover.Options, client *promapi.Client, err error) {
	o = discover.Options{URL: f.url, At: time.Now(), Command: f.typed, SLO: latency.SLO{TTFT: f.ttft.Seconds(), ITL: f.itl.Seconds()}}
	history, err := model.ParseDuration(f.from)
	if err != nil || time.Duration(history) < time.Hour {
		return o, nil, fmt.Errorf("--from=%s: want a time of at least an hour, such as 7d", f.from)
	}
	o.History = time.Duration(history)
	if f.namespace != "" {
		if o.Namespace, err = regexp.Compile("^(?:" + f.namespace + ")$"); err != nil {
			return o, nil, fmt.Errorf("--namespace: %w", err)
		}
	}
	if f.selector != "" {
		if o.Selector, err = config.ParseSelector(f.selector); err != nil {
			return o, nil, fmt.Errorf("--selector: %w", err)
		}
	}
	settings := promconfig.DefaultHTTPClientConfig
	if old != nil {
		if old.Prometheus == nil {
			return o, nil, errNoPrometheus
		}
		settings = old.Prometheus.HTTPConfig.HTTPClientConfig
		if o.URL == "" {
			o.URL = old.Prometheus.URL
		}
		if f.selector == "" {
			o.Selector = old.Selector
		}
	}
	if f.httpConfig != "" {
		loaded, text, err := config.LoadHTTPConfigFile(f.httpConfig)
		if err != nil {
			return o, nil, fmt.Errorf("--http.config.file: %w", err)
		}
		settings = *loaded
		if o.HTTPConfig, err = httpConfigText(f.httpConfig, text); err != nil {
			return o, nil, err
		}
	}
	client, err = promapi.New(promapi.Config{
		URL: o.URL, HTTPConfig: settings, Timeout: f.queries.timeout, MaxBodyBytes: int64(f.queries.maxBody), UserAgent: userAgent(),
	})
	return o, client, err
}

// httpConfigText is a file with http_config as a configuration elsewhere can have it: the names of files in it are made absolute.
func httpConfigText(file string, text []byte) (string, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return "", err
	}
	absolute(&root, dir)
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(&root); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return b.String(), nil
}

// absolute makes the names of files absolute: the values of keys such as ca_file and password_file.
func absolute(n *yaml.Node, dir string) {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && child.Kind == yaml.ScalarNode &&
			strings.HasSuffix(n.Content[i-1].Value, "_file") && child.Value != "" && !filepath.IsAbs(child.Value) {
			child.Value = filepath.Join(dir, child.Value)
		}
		absolute(child, dir)
	}
}

// writeChanges shows what a fleet is now against what a configuration says.
func writeChanges(w io.Writer, file string, old *config.Config, fleet *discover.Fleet) error {
	now, found := config.Load("init", fleet.String())
	if now == nil {
		return fmt.Errorf("what was found is not a valid configuration: %w", found.Err())
	}
	changes := fleet.Compare(old, now)
	if len(changes) == 0 {
		_, err := fmt.Fprintf(w, "%s is as the Prometheus tells: nothing has changed.\n", file)
		return err
	}
	fmt.Fprintf(w, "%s against what the Prometheus tells now (- in the file only, + found only, ~ differs):\n", file)
	for _, change := range changes {
		fmt.Fprintln(w, change)
	}
	return nil
}
