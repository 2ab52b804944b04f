package command

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// checkFlags are the flags of check.
type checkFlags struct {
	argument, configFile, webFile, format string
	schema                                bool

	online        bool
	onlineTimeout time.Duration
	queries       queries
	checks        checks
}

func newCheckCommand(app *kingpin.Application) command {
	cmd := app.Command("check", "Check a configuration file. The exit code is 1 when it cannot be used.")
	f := &checkFlags{}
	cmd.Arg("file", "Configuration file, instead of --config.file.").StringVar(&f.argument)
	addConfigFileFlag(cmd, &f.configFile, "Configuration file.")
	cmd.Flag("web.config.file", "Also check this file with TLS and authentication for the exporter's own port.").PlaceHolder("FILE").StringVar(&f.webFile)
	addFormatFlag(cmd, &f.format, []string{"text", "json"})
	cmd.Flag("schema", "Instead, print the JSON Schema of configuration files, for editors.").BoolVar(&f.schema)
	cmd.Flag("online", "Also ask the configured Prometheus each input once, and report what it found. "+
		"The exit code is 1 when a variant cannot be decided.").BoolVar(&f.online)
	cmd.Flag("online.timeout", "What a scrape would leave for the evaluation: its timeout less the offset.").
		Default("9.75s").DurationVar(&f.onlineTimeout)
	f.checks.require("online.timeout", "be above zero", func() bool { return f.onlineTimeout > 0 })
	f.queries.addConcurrencyFlag(cmd, &f.checks)
	cmd.Validate(f.checks.run)
	return command{name: cmd.FullCommand(), run: f.run}
}

func (f *checkFlags) run(ctx context.Context, std Streams) error {
	if f.schema {
		return printSchema(std.Out)
	}
	file := f.configFile
	if f.argument != "" {
		file = f.argument
	}
	if err := web.Validate(f.webFile); err != nil {
		return fmt.Errorf("web configuration %s: %w", f.webFile, err)
	}
	cfg, remarks, err := config.LoadFile(file)
	if err != nil {
		return err
	}
	var online *collector.OnlineReport
	if f.online && cfg != nil {
		if online, err = f.ask(ctx, cfg); err != nil {
			return err
		}
	}
	if f.format == "json" {
		err = printJSON(std.Out, remarks, online)
	} else {
		err = printText(std.Out, file, cfg, remarks, online)
	}
	if err == nil && (remarks.HasErrors() || online != nil && !online.OK()) {
		err = errReported
	}
	return err
}

// ask asks the configured Prometheus each input once, within the time that a scrape would have.
func (f *checkFlags) ask(ctx context.Context, cfg *config.Config) (*collector.OnlineReport, error) {
	queries := f.queries
	queries.timeout = f.onlineTimeout
	client, err := queries.connect(cfg)
	if err != nil {
		return nil, fmt.Errorf("check --online: %w", err)
	}
	defer client.Close()
	evaluator, err := queries.evaluator(cfg, client)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.onlineTimeout)
	defer cancel()
	return collector.CheckOnline(ctx, evaluator, time.Now(), f.onlineTimeout), nil
}

func printSchema(w io.Writer) error {
	schema, err := config.Schema()
	if err != nil {
		return fmt.Errorf("make the schema: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", schema)
	return err
}

// printRemarks prints every remark, then the result in one line.
func printRemarks(w io.Writer, file string, cfg *config.Config, remarks config.Diagnostics) error {
	mistakes := 0
	for _, d := range remarks {
		fmt.Fprintln(w, d)
		if !d.ToDo() {
			fmt.Fprintln(w)
		}
		if d.Severity == config.SeverityError {
			mistakes++
		}
	}
	result := "cannot be used: " + count(mistakes, "error")
	if cfg != nil {
		variants := 0
		for i := range cfg.Models {
			variants += len(cfg.Models[i].Variants)
		}
		result = fmt.Sprintf("is valid: %s, %s", count(len(cfg.Models), "model"), count(variants, "variant"))
	}
	if n := len(remarks) - mistakes; n > 0 {
		result += ", " + count(n, "warning")
	}
	if _, err := fmt.Fprintf(w, "%s %s\n", file, result); err != nil || cfg == nil {
		return err
	}
	return printDefaults(w, cfg)
}

// printDefaults says which headroom signals have that is not configured.
func printDefaults(w io.Writer, cfg *config.Config) error {
	measured, share := cfg.DefaultHeadroom()
	var parts []string
	if len(measured) > 0 {
		parts = append(parts, "auto for "+strings.Join(measured, ", "))
	}
	if len(share) > 0 {
		parts = append(parts, fmt.Sprintf("%g for %s", config.DefaultHeadroomRatio, strings.Join(share, ", ")))
	}
	if len(parts) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "headroom by default: %s\n", strings.Join(parts, "; "))
	return err
}

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// printText prints the remarks, then the report of --online if there is one.
func printText(w io.Writer, file string, cfg *config.Config, remarks config.Diagnostics, online *collector.OnlineReport) error {
	if err := printRemarks(w, file, cfg, remarks); err != nil || online == nil {
		return err
	}
	fmt.Fprintln(w)
	return online.WriteText(w)
}

// printJSON prints the remarks as a JSON array, for editors and CI. With --online it prints an object of remarks and report.
func printJSON(w io.Writer, remarks config.Diagnostics, online *collector.OnlineReport) error {
	if remarks == nil {
		remarks = config.Diagnostics{}
	}
	if online == nil {
		return writeJSON(w, remarks)
	}
	return writeJSON(w, struct {
		Remarks config.Diagnostics      `json:"remarks"`
		Online  *collector.OnlineReport `json:"online"`
	}{remarks, online})
}
