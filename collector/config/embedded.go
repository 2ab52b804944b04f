package config

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/common/promslog"
	promconfig "github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/discovery/file" // makes file_sd_configs known to Prometheus' loader
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// The sections that Prometheus' own loader reads.
const (
	sectionGlobal        = "global"
	sectionScrapeConfigs = "scrape_configs"
)

const foreignHint = "see the scrape_config section of Prometheus' configuration documentation"

// loadEmbedded has Prometheus' own loader read global and scrape_configs.
func loadEmbedded(d *strict.Decoder) *promconfig.Config {
	var sections []string
	for _, section := range []string{sectionGlobal, sectionScrapeConfigs} {
		if n := d.Node(section); n != nil && !strict.IsNull(n) && isSection(d, section, n) {
			sections = append(sections, section)
		}
	}
	excerpt, err := d.Excerpt(sections...)
	if d.Exhausted() {
		return nil
	}
	if err != nil {
		d.Errorf(sectionScrapeConfigs, nil, "cannot be read: %v", err).Hint(foreignHint)
		return nil
	}
	loaded, err := promconfig.Load(excerpt.Text, promslog.NewNopLogger())
	if err == nil {
		return loaded
	}
	lines := d.Lines(excerpt)
	for _, message := range strict.SplitErrors(err) {
		reportForeign(d, lines, message)
	}
	return nil
}

// isSection reports a section that is not what it must be.
func isSection(d *strict.Decoder, section string, n *yaml.Node) bool {
	kind, want := yaml.MappingNode, "a mapping"
	if section == sectionScrapeConfigs {
		kind, want = yaml.SequenceNode, "a list"
	}
	switch {
	case n.Kind != kind:
		d.Errorf(section, n, "this must be %s", want).Hint(foreignHint)
	case kind == yaml.SequenceNode && len(n.Content) == 0:
		d.Errorf(section, n, "nothing to scrape").Hint("list at least one job, or set prometheus.url")
	default:
		return true
	}
	return false
}

var (
	foreignLine = regexp.MustCompile(`^line (\d+): (.*)$`)
	notFound    = regexp.MustCompile(`^field (\S+) not found in type `)
	quotedValue = regexp.MustCompile("`[^`]*`")
	brokenURL   = regexp.MustCompile(`parse "|invalid URL escape|invalid character .* in host name|invalid port|invalid userinfo|is not a valid URL`)
	foreignTag  = regexp.MustCompile(`![^\s!]\S*`)
	quotedName  = regexp.MustCompile(`"([^"]+)"`)
)

// reportForeign reports an error of Prometheus' loader at its place: the value that it quotes, or the key on the line that it names.
func reportForeign(d *strict.Decoder, lines map[int]string, message string) {
	path := quotedIn(d, message)
	if m := foreignLine.FindStringSubmatch(message); m != nil {
		message = m[2]
		line, _ := strconv.Atoi(m[1])
		for ; path == "" && line > 0; line-- {
			path = lines[line]
		}
	}
	if path == "" {
		path = section(message)
	}
	// Prometheus' loader quotes the value that it cannot use, and that may be a secret.
	message = withoutValues(message)
	if n := d.Node(path); n != nil && d.Hidden(n) {
		message = quotedName.ReplaceAllString(message, strict.SecretMark)
	}
	field := notFound.FindStringSubmatch(message)
	switch {
	case field == nil:
		d.Errorf(path, nil, "%s", strict.Shorten(message)).Hint(foreignHint)
	case strings.HasSuffix(field[1], "_sd_configs"):
		d.Errorf(path, d.Key(path), "%s is not supported here", field[1]).
			Hint("the exporter supports static_configs and file_sd_configs; for other discovery run a Prometheus and set prometheus.url")
	default:
		d.Errorf(path, d.Key(path), "unknown field %q", field[1]).Hint(foreignHint)
	}
}

// withoutValues takes out of a message of a library the values that it repeats: any of them may be, or hold, a secret.
func withoutValues(message string) string {
	if brokenURL.MatchString(message) {
		return "not a URL"
	}
	return foreignTag.ReplaceAllString(quotedValue.ReplaceAllString(message, "the value"), "a tag")
}

// quotedIn returns the path of the value that a message quotes, or nothing.
func quotedIn(d *strict.Decoder, message string) string {
	m := quotedName.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	return d.PathOf(m[1], sectionGlobal+".", sectionScrapeConfigs+"[")
}

// section returns what a message without a place is about.
func section(message string) string {
	if strings.HasPrefix(message, sectionGlobal) {
		return sectionGlobal
	}
	return sectionScrapeConfigs
}
