package config

import (
	"regexp"
	"strings"
)

// topLevel is the key that begins a section of the file.
var topLevel = regexp.MustCompile(`^["']?([\w.-]+)["']?\s*:`)

// Lines returns the file as it may be shown, without its secrets. Comments in sections that may hold credentials are left out too: they
// may be an old one. It is empty for a configuration that does not come from a text.
func (c *Config) Lines() []string {
	d, root := c.origin.decoder()
	if root == nil {
		return nil
	}
	d.Decode("", root, &Config{})
	lines := d.Shown()
	foreign := false
	for i, line := range lines {
		if m := topLevel.FindStringSubmatch(line); m != nil {
			foreign = m[1] == "prometheus" || oneOf(foreignSections, m[1]) || !ownSection(m[1])
		}
		if at := strings.IndexByte(line, '#'); foreign && at >= 0 && (strings.TrimSpace(line[:at]) == "" || strings.HasSuffix(line[:at], " ")) {
			lines[i] = line[:at] + "# ..."
		}
	}
	return lines
}
