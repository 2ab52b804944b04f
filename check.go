package main

import (
	"context"
	"fmt"
	"io"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// checkFlags are the flags of check.
type checkFlags struct {
	argument, configFile, webFile, format string
	schema                                bool
	online                                onlineFlags
}

func newCheckCommand(app *kingpin.Application) command {
	cmd := app.Command("check", "Check a configuration file. The exit code is 1 when it cannot be used.")
	f := &checkFlags{}
	cmd.Arg("file", "Configuration file, instead of --config.file.").StringVar(&f.argument)
	addConfigFileFlag(cmd, &f.configFile)
	cmd.Flag("web.config.file", "Also check this file with TLS and authentication for the exporter's own port.").PlaceHolder("FILE").StringVar(&f.webFile)
	cmd.Flag("format", "Output format: text, json.").Default("text").EnumVar(&f.format, "text", "json")
	cmd.Flag("schema", "Instead, print the JSON Schema of configuration files, for editors.").BoolVar(&f.schema)
	f.online.add(cmd)
	return command{name: cmd.FullCommand(), run: f.run}
}

func (f *checkFlags) run(ctx context.Context, std stdio) error {
	if f.schema {
		return printSchema(std.out)
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
	if f.online.enabled && cfg != nil {
		if online, err = f.online.report(ctx, cfg); err != nil {
			return err
		}
	}
	if f.format == "json" {
		err = printJSON(std.out, remarks, online)
	} else {
		err = printText(std.out, file, cfg, remarks, online)
	}
	if err == nil && (remarks.HasErrors() || online != nil && !online.OK()) {
		err = errReported
	}
	return err
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
		fmt.Fprintf(w, "%s\n\n", d)
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
	_, err := fmt.Fprintf(w, "%s %s\n", file, result)
	return err
}

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// printText prints the remarks, and what asking the Prometheus has shown.
func printText(w io.Writer, file string, cfg *config.Config, remarks config.Diagnostics, online *collector.OnlineReport) error {
	if err := printRemarks(w, file, cfg, remarks); err != nil || online == nil {
		return err
	}
	fmt.Fprintln(w)
	return online.WriteText(w)
}

// printJSON prints the remarks as a JSON array, for editors and CI; with what asking the Prometheus has shown, an object of both.
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
