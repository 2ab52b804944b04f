package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// secrecy is how much of a section may be shown.
type secrecy int

const (
	secrecyNone    secrecy = iota // all of it
	secrecyForeign                // all but the values of keys that sound secret: Prometheus' own sections
	secrecyHTTP                   // only the values of keys known to be harmless: HTTP client settings
	secrecyFree                   // only the keys, which are anybody's: headers
	secrecyAll                    // nothing
)

// hideSecrets marks every value that may be a secret, so that snippets do not show it. In HTTP client settings a key that is not
// known to be harmless counts as a secret: it may be a misspelt one.
func hideSecrets(d *strict.Decoder, root *yaml.Node) {
	type visit struct {
		node  *yaml.Node
		level secrecy
	}
	seen := map[visit]bool{}
	var walk func(n *yaml.Node, level secrecy, top bool)
	walk = func(n *yaml.Node, level secrecy, top bool) {
		n = strict.Resolve(n)
		if seen[visit{n, level}] {
			return
		}
		seen[visit{n, level}] = true
		if level == secrecyAll && (n.Kind == yaml.ScalarNode || n.Style&yaml.FlowStyle != 0 && n.Tag != "!!map") {
			d.HideFrom(n)
		}
		switch n.Kind {
		case yaml.ScalarNode:
			if hidesValue(level, n.Value) {
				d.Hide(n)
			}
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				key, value := n.Content[i].Value, n.Content[i+1]
				if level == secrecyAll && !listsSecrets(key) || level != secrecyNone && strings.ContainsAny(key, ":= ") {
					d.Hide(n.Content[i]) // A key and its value that are not separated read as a key.
				}
				walk(value, secrecyOf(key, strict.Resolve(value).Kind, level, top), false)
			}
		default:
			for _, item := range n.Content {
				walk(item, level, false)
			}
		}
	}
	walk(root, secrecyNone, true)
}

// hidesValue says whether a scalar may be a secret by its section and its form.
func hidesValue(level secrecy, value string) bool {
	return level >= secrecyFree || level == secrecyForeign && userInfo.MatchString(value)
}

// The sections that are not of this project's making, the settings among them that hold credentials, those whose keys are
// anybody's, and the settings of an HTTP client that are no secret.
const (
	foreignSections = "global scrape_configs"
	httpSections    = "http_config basic_auth authorization oauth2 tls_config"
	freeSections    = "http_headers proxy_connect_header endpoint_params claims params"
	harmlessKeys    = "url external_url type username username_file username_ref password_file password_ref credentials_file credentials_ref " +
		"client_id client_secret_file client_secret_ref client_certificate_key_id client_certificate_key_file " +
		"client_certificate_key_ref grant_type signature_algorithm iss audience scopes token_url bearer_token_file ca cert " +
		"ca_file cert_file key_file ca_ref cert_ref key_ref server_name insecure_skip_verify min_version max_version " +
		"follow_redirects enable_http2 proxy_url no_proxy proxy_from_environment"
)

// listsSecrets says whether a key is one of those below the name of a header, misspelt or not.
func listsSecrets(key string) bool {
	return slices.ContainsFunc([]string{"values", "secrets", "files"}, func(known string) bool { return strings.HasPrefix(key, known) || strict.Distance(key, known) <= 2 })
}

func oneOf(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}

// secrecyOf returns how secret the value of a key is, in a mapping of a given secrecy.
func secrecyOf(key string, kind yaml.Kind, level secrecy, top bool) secrecy {
	switch {
	case top && key == "prometheus":
		level = secrecyHTTP // Below a misspelt http_config, too.
	case top && (oneOf(foreignSections, key) || !ownSection(key)):
		level = secrecyForeign
	}
	if oneOf(httpSections, key) {
		level = max(level, secrecyHTTP)
		key = ""
	}
	switch {
	case oneOf(freeSections, key):
		return max(level, secrecyFree)
	case level == secrecyFree,
		level == secrecyNone && misplaced.MatchString(key),
		level == secrecyHTTP && soundsSecret(key),
		level == secrecyHTTP && kind != yaml.MappingNode && key != strict.MergeKey && !oneOf(harmlessKeys, key),
		level == secrecyForeign && soundsSecret(key):
		return secrecyAll
	}
	return level
}

// ownSection says whether a key of the file is one of this project's.
func ownSection(key string) bool {
	return slices.ContainsFunc(strict.Fields(reflect.TypeFor[Config]()), func(f strict.Field) bool { return f.Name == key })
}

var (
	secretWords = regexp.MustCompile(`pass|secret|cred|bearer|api.?key|private|token$|^key$`)
	// misplaced are keys that hold a secret wherever they stand. Names of signals end in token, too.
	misplaced = regexp.MustCompile(`(?i)passw|secret|credential|bearer|api.?key`)
	// userInfo is the credentials in an address, with or without a scheme.
	userInfo = regexp.MustCompile(`^([a-z]*://?)?[^/@\s:]*:[^/@\s]+@`)
)

// soundsSecret says whether a key may hold a secret by its name, misspelt or not.
func soundsSecret(key string) bool {
	key = strings.ToLower(key)
	return !oneOf(harmlessKeys, key) &&
		(secretWords.MatchString(key) || strict.Distance(key, "password") <= 2 || strict.Distance(key, "credentials") <= 3)
}
