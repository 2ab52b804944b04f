package command

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

const defaultConfigFile = "variant_exporter.yml"

// addConfigFileFlag adds --config.file.
func addConfigFileFlag(cmd *kingpin.CmdClause, file *string, help string) *kingpin.FlagClause {
	flag := cmd.Flag("config.file", help).Default(defaultConfigFile)
	flag.StringVar(file)
	return flag
}

// addFormatFlag adds --format. The first format is the default.
func addFormatFlag(cmd *kingpin.CmdClause, format *string, formats []string, notes ...string) {
	help := strings.Join(append([]string{"Output format: " + strings.Join(formats, ", ") + "."}, notes...), " ")
	cmd.Flag("format", help).Default(formats[0]).EnumVar(format, formats...)
}

// checks are what a command requires of its flags beyond their types.
type checks []func() error

// add adds a check, which runs when the command line has been parsed.
func (c *checks) add(check func() error) { *c = append(*c, check) }

// require adds a check of one flag.
func (c *checks) require(flag, rule string, holds func() bool) {
	c.add(func() error {
		if !holds() {
			return fmt.Errorf("--%s must %s", flag, rule)
		}
		return nil
	})
}

// run returns the first complaint. Kingpin calls it once the flags are set.
func (c *checks) run(*kingpin.CmdClause) error {
	for _, check := range *c {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}
