package console

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/explain"
)

// Configuration is the file in force.
type Configuration struct {
	Explanation *explain.Explanation // for the state of the whole
	Lines       []string             // of the file, without its secrets
	Remarks     config.Diagnostics
}

type configurationPage struct {
	Frame
	File  string
	Lines []configurationLine
	Notes []string // about the file as a whole
	Count int
}

// configurationLine is a line of the file, with what there is to say about it.
type configurationLine struct {
	Number  int
	Text    string
	Remarks []string
}

// Configuration writes the page of the file in force, with each remark below its line.
func (c *Console) Configuration(w io.Writer, l Look, o *Configuration) error {
	p := &configurationPage{Frame: c.newFrame("Configuration", "configuration", l, o.Explanation), Count: len(o.Remarks)}
	for i, text := range o.Lines {
		p.Lines = append(p.Lines, configurationLine{Number: i + 1, Text: strings.TrimRight(text, " \r\n")})
	}
	for _, d := range o.Remarks {
		text := d.Message
		if d.Path != "" {
			text = fmt.Sprintf("%s: %s", d.Path, text)
		}
		if d.Hint != "" {
			text += ": " + d.Hint
		}
		p.File = cmp.Or(p.File, d.File)
		if d.Line < 1 || d.Line > len(p.Lines) {
			p.Notes = append(p.Notes, text)
			continue
		}
		line := &p.Lines[d.Line-1]
		line.Remarks = append(line.Remarks, text)
	}
	return c.write(w, "configuration", p)
}
