package command

import (
	"context"
	"fmt"

	"github.com/alecthomas/kingpin/v2"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

func newPresetsCommands(app *kingpin.Application) []command {
	cmd := app.Command("presets", "Show the ready signals for gateways and model servers.")
	list := cmd.Command("list", "List the presets.").Default()
	show := cmd.Command("show", "Print a preset as it is used.")
	name := show.Arg("name", "Name of the preset.").Required().Enum(config.PresetNames()...)
	var o config.PresetOptions
	show.Flag("labels.namespace", "Label with the namespace, as in the configuration.").Default("namespace").StringVar(&o.Labels.Namespace)
	show.Flag("labels.variant", "Label with the variant, as in the configuration.").Default("llm_d_ai_variant").StringVar(&o.Labels.Variant)
	window := show.Flag("rate-window", "rate_window, as in the configuration.").Default("1m").Duration()
	return []command{
		{name: list.FullCommand(), run: func(_ context.Context, std Streams) error {
			for _, preset := range config.PresetNames() {
				fmt.Fprintln(std.Out, preset)
			}
			return nil
		}},
		{name: show.FullCommand(), run: func(_ context.Context, std Streams) error {
			o.RateWindow = config.Duration(*window)
			text, err := config.PresetText(*name, o)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(std.Out, text)
			return err
		}},
	}
}
