package config

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/common/promslog"
	promconfig "github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/discovery/file" // makes file_sd_configs known to Prometheus' loader
	"go.yaml.in/yaml/v3"
)

// The sections that Prometheus' own loader reads.
const (
	sectionGlobal        = "global"
	sectionScrapeConfigs = "scrape_configs"
)

const foreignHint = "see the scrape_config section of Prometheus' configuration documentation"

// loadEmbedded has Prometheus' own loader read global and scrape_configs. They are written anew for it, one key a line and
// aliases resolved, so that the line numbers in its errors lead back to the keys of the file.
func (d *decoder) loadEmbedded() *promconfig.Config {
	both := &yaml.Node{Kind: yaml.MappingNode}
	from := &yaml.Node{Kind: yaml.MappingNode}
	for _, section := range []string{sectionGlobal, sectionScrapeConfigs} {
		if n := d.nodes[section]; n != nil && !isNull(n) && d.isSection(section, n) {
			key := &yaml.Node{Kind: yaml.ScalarNode, Value: section}
			both.Content = append(both.Content, key, d.plain(n, 0))
			from.Content = append(from.Content, d.keys[section], n)
		}
	}
	if d.budget <= 0 {
		return nil
	}
	text, err := yaml.Marshal(both)
	if err != nil {
		d.errorf(sectionScrapeConfigs, nil, "cannot be read: %v", err).hint(foreignHint)
		return nil
	}
	loaded, err := promconfig.Load(string(text), promslog.NewNopLogger())
	var written yaml.Node
	origin := map[int]string{}
	if err == nil || yaml.Unmarshal(text, &written) != nil {
		return loaded
	}
	d.origins(origin, "", written.Content[0], from)
	for _, message := range splitYAML(err) {
		d.reportForeign(origin, message)
	}
	return nil
}

// isSection reports a section that is not what it must be.
func (d *decoder) isSection(section string, n *yaml.Node) bool {
	kind, want := yaml.MappingNode, shapeMapping
	if section == sectionScrapeConfigs {
		kind, want = yaml.SequenceNode, shapeList
	}
	switch {
	case n.Kind != kind:
		d.errorf(section, n, "this must be %s", want).hint(foreignHint)
	case kind == yaml.SequenceNode && len(n.Content) == 0:
		d.errorf(section, n, "nothing to scrape").hint("give at least one job, or prometheus.url")
	default:
		return true
	}
	return false
}

const maxDepth = 100

// plain copies a node without aliases, merge keys and flow style.
func (d *decoder) plain(n *yaml.Node, depth int) *yaml.Node {
	n = resolve(n)
	if depth == maxDepth {
		d.budget = min(d.budget, 1) // It contains itself, or goes deeper than any configuration does.
	}
	if !d.spend(n) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	c := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: n.Style &^ yaml.FlowStyle, Line: n.Line, Column: n.Column}
	for _, item := range n.Content {
		c.Content = append(c.Content, d.plain(item, depth+1))
	}
	return c
}

// origins maps each line of a text that was written from nodes to the path of the first key or item on it.
func (d *decoder) origins(origin map[int]string, path string, written, from *yaml.Node) {
	from = resolve(from)
	for i := range min(len(written.Content), len(from.Content)) {
		if written.Kind == yaml.SequenceNode {
			at := index(path, i)
			d.nodes[at] = resolve(from.Content[i])
			d.origins(origin, at, written.Content[i], from.Content[i])
			continue
		}
		if i%2 == 0 {
			continue
		}
		at := join(path, written.Content[i-1].Value)
		d.nodes[at], d.keys[at] = resolve(from.Content[i]), from.Content[i-1]
		origin[written.Content[i-1].Line] = at
		d.origins(origin, at, written.Content[i], from.Content[i])
	}
}

var (
	foreignLine = regexp.MustCompile(`^line (\d+): (.*)$`)
	notFound    = regexp.MustCompile(`^field (\S+) not found in type `)
	quotedValue = regexp.MustCompile("`[^`]*`")
	quotedName  = regexp.MustCompile(`"([^"]+)"`)
)

// reportForeign reports an error of Prometheus' loader, at what it is about: the key on the line that it names, or the value that
// it quotes.
func (d *decoder) reportForeign(origin map[int]string, message string) {
	path := d.quotedIn(message)
	if m := foreignLine.FindStringSubmatch(message); m != nil {
		message = m[2]
		line, _ := strconv.Atoi(m[1])
		for ; path == "" && line > 0; line-- {
			path = origin[line]
		}
	}
	if path == "" {
		path = section(message)
	}
	// What Prometheus' loader could not use it quotes, and it may be a secret.
	message = quotedValue.ReplaceAllString(message, "the value")
	if n := d.nodes[path]; n != nil && d.src.isSecret(n) {
		message = quotedName.ReplaceAllString(message, secretMark)
	}
	field := notFound.FindStringSubmatch(message)
	switch {
	case field == nil:
		d.errorf(path, nil, "%s", shortened(message, maxMessage)).hint(foreignHint)
	case strings.HasSuffix(field[1], "_sd_configs"):
		d.errorf(path, d.keys[path], "%s is not supported here", field[1]).
			hint("the exporter itself finds targets by static_configs and file_sd_configs; for others run a Prometheus and give prometheus.url")
	default:
		d.errorf(path, d.keys[path], "unknown field %q", field[1]).hint(foreignHint)
	}
}

// quotedIn returns the path of the value that a message quotes, or nothing.
func (d *decoder) quotedIn(message string) string {
	m := quotedName.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	found := ""
	for path, n := range d.nodes {
		inside := strings.HasPrefix(path, sectionGlobal+".") || strings.HasPrefix(path, sectionScrapeConfigs+"[")
		if inside && n.Kind == yaml.ScalarNode && n.Value == m[1] && (found == "" || path < found) {
			found = path
		}
	}
	return found
}

// section returns what a message without a place is about.
func section(message string) string {
	if strings.HasPrefix(message, sectionGlobal) {
		return sectionGlobal
	}
	return sectionScrapeConfigs
}

// splitYAML takes the errors that a YAML library reports as one apart.
func splitYAML(err error) []string {
	var kept []string
	for l := range strings.Lines(trimYAML(err)) {
		if l = strings.TrimSpace(l); l != "" {
			kept = append(kept, l)
		}
	}
	return kept
}

// trimYAML strips what the YAML libraries say of themselves.
func trimYAML(err error) string {
	text := err.Error()
	for _, prefix := range []string{"yaml: unmarshal errors:", "yaml:"} {
		text = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), prefix))
	}
	return text
}
