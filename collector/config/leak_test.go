package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// leaks are configurations with a mistake in or next to a secret, hunter2 throughout.
var leaks = map[string]string{
	"an anchor used elsewhere":           "prometheus: {url: http://p, http_config: {authorization: {credentials: &a hunter2}}}\nmodels: [{name: *a, colour: *a, namespace: *a}]",
	"an anchor used in a list":           "x: &a hunter2\nprometheus: {url: http://p, http_config: {password: *a, basic_auth: *a}}",
	"an anchor in a number":              "prometheus: {http_config: {bearer_token: &a hunter2}, url: *a}\nmodels: [{name: m, replicas: {min: *a}}]",
	"a value that reads as an anchor":    "prometheus: {url: ftp://p, http_config: {basic_auth: {username: me, password: &hunter2 }}}",
	"a value that reads as an alias":     "prometheus: {url: http://p, http_config: {basic_auth: {username: me, password: *hunter2}}}",
	"a value that reads as a tag":        "prometheus: {url: http://p, http_config: {basic_auth: {username: me, password: !hunter2 [x]}}}",
	"a merged mapping":                   "x: &a {password: hunter2, hunter2: x}\nprometheus: {url: http://p, http_config: {basic_auth: {<<: *a}}}",
	"a proxy that is no URL":             "prometheus: {url: http://p, http_config: {proxy_url: 'http://me:hun%ter2@proxy'}}",
	"a proxy with odd characters":        "prometheus: {url: http://p, http_config: {proxy_url: 'http://me:hunter2 [@proxy'}}",
	"a proxy with a control":             "prometheus: {url: http://p, http_config: {proxy_url: \"http://me:hunter2\\x01@proxy\"}}",
	"a proxy without a scheme":           "prometheus: {url: http://p, http_config: {proxy_url: 'me:hunter2@proxy:3128', colour: red}}",
	"a URL without a scheme":             "prometheus:\n  url: me:hunter2@prometheus:9090",
	"a URL with a parameter":             "prometheus: {url: 'ftp://p/?key=hunter2'}",
	"a URL over lines":                   "prometheus:\n  url: >-\n    me:hunter2@\n    prometheus:9090",
	"a token URL":                        "prometheus: {url: http://p, http_config: {oauth2: {client_id: a, client_secret: b, token_url: 'me:hunter2@idp'}}}",
	"a token URL that is broken":         "prometheus: {url: http://p, http_config: {oauth2: {client_id: a, client_secret: b, token_url: 'http://me:hun%ter2@idp'}}}",
	"a misspelt section":                 "prometheus: {url: http://p, http_confg: {x_api: hunter2, basic: {user: me, word: hunter2}}}",
	"a misspelt section of headers":      "prometheus: {url: http://p, http_config: {http_header: {X-Key: {secret: [hunter2]}}}}",
	"a misspelt key":                     "prometheus: {url: http://p, http_config: {basic_auth: {username: me, pasword: hunter2}, autorization: {credential: hunter2}}}",
	"a misspelt key at the top":          "promtheus: {url: http://p, http_config: {basic_auth: {username: me, pasword: hunter2}}}",
	"no space behind the colon":          "prometheus:\n  url: http://p\n  http_config:\n    basic_auth:\n      password:hunter2\n      username: me",
	"no space in a flow":                 "prometheus: {url: http://p, http_config: {basic_auth: {username: me, password:hunter2}}}",
	"an equals sign":                     "prometheus:\n  url: http://p\n  http_config:\n    basic_auth:\n      password=hunter2\n      username: me\n    x",
	"a scalar for a section":             "prometheus: {url: http://p, http_config: password:hunter2}",
	"a secret as a key":                  "prometheus: {url: http://p, http_config: {authorization: {credentials: {hunter2: }}}}",
	"a list for a secret":                "prometheus: {url: http://p, http_config: {authorization: {credentials: [hunter2]}}}",
	"the wrong type beside":              "prometheus: {url: http://p, http_config: {follow_redirects: {a: b}, bearer_token: hunter2}}",
	"a header of several lines":          "prometheus: {url: http://p, http_config: {http_headers: {\"X-A\\nB\": {secrets: [\"hunter2\\nx\"]}}}}",
	"an unclosed bracket":                "prometheus: {url: http://p, http_config: {basic_auth: {password: hunter2]}}",
	"a tab":                              "prometheus:\n  http_config:\n    bearer_token:\thunter2\n\tx: y",
	"a scrape job's password":            "scrape_configs:\n- job_name: a\n  basic_auth: {username: me, pasword: hunter2}\n  static_configs: [{targets: [a:1]}]",
	"a scrape job's parameter":           "scrape_configs:\n- job_name: a\n  params: {token: hunter2}\n  static_configs: [{targets: [a:1]}]",
	"a scrape job's proxy":               "scrape_configs:\n- job_name: a\n  proxy_url: 'http://me:hun%ter2@p'\n  static_configs: [{targets: [a:1]}]",
	"a misplaced key":                    "models: [{name: m, namespace: n, bearer_tokn: hunter2, api_key: hunter2}]",
	"a misplaced block":                  "models:\n- name: m\n  password: |\n    hunter2",
	"a scrape job's other parameter":     "scrape_configs:\n- job_name: a\n  params: {auth: [[hunter2]]}",
	"a target without a scheme":          "scrape_configs:\n- job_name: a\n  static_configs: [{targets: ['me:hunter2@a:1/x']}]",
	"a key of no known word":             "prometheus:\n  url: http://p\n  tkn: hunter2",
	"a key of no known word in a model":  "models: [{name: m, namespace: n, tkn: hunter2, variants: [{name: v, hsh: hunter2}]}]",
	"a web configuration":                "basic_auth_users:\n  admin: hunter2\nmodels: []",
	"a web configuration in a model":     "models:\n- name: m\n  basic_auth_users: {admin: hunter2}\n",
	"another program's file":             "global: {smtp_auth: hunter2, external: {tkn: hunter2}}\nreceivers: [{name: x, webhook: [{tkn: hunter2}]}]",
	"a job's key of no known word":       "scrape_configs:\n- job_name: a\n  tkn: hunter2\n  static_configs: [{targets: [a:1], tkn: hunter2}]",
	"a job's misspelt section":           "scrape_configs:\n- job_name: a\n  basic_auht: {username: hunter2}\n  static_configs: [{targets: [a:1]}]",
	"a merge of an unknown key":          "models:\n- <<: {tkn: hunter2}\n  name: m",
	"a merge of several":                 "x: &a {tkn: hunter2}\ny: &b {hsh: hunter2}\nmodels:\n- <<: [*a, *b]\n  name: m",
	"a merge that is a text":             "models:\n- <<: tkn=hunter2\n  name: m",
	"a merge of an anchor's value":       "x: &a hunter2\nmodels:\n- <<: *a\n  name: *a",
	"a mapping for a text":               "models:\n- name: {tkn: hunter2}\n  namespace: {hunter2: x}",
	"a text as a key":                    "models:\n- name: m\n  tkn=hunter2:\n  ? tkn hunter2\n  : x",
	"an unknown key in a block":          "models:\n- name: m\n  tkn: |\n    hunter2\n    hunter2\n  colour: red",
	"an unknown key, not YAML":           "models:\n- name: m\n  tkn: \"hunter2\n",
	"an unknown key, not YAML in a flow": "models:\n- {name: m, tkn: hunter2, x: ]}\n",
	"a missing colon":                    "models:\n- name: m\n  tkn hunter2\n  x: y\n",
	"a scrape job's target":              "scrape_configs:\n- job_name: a\n  static_configs: [{targets: ['http://me:hunter2@a:1']}]",
}

// TestErrorsHoldNoSecret looks for parts of the secret, too: messages of libraries cut what they quote.
func TestErrorsHoldNoSecret(t *testing.T) {
	for name, text := range leaks {
		t.Run(name, func(t *testing.T) {
			c, found := config.Load("variant_exporter.yml", text)
			require.Nil(t, c)
			shown := render(found)
			for _, part := range []string{"hun", "ter2", "unter"} {
				require.NotContains(t, shown, part)
			}
			for _, d := range found {
				require.NotContains(t, strings.ToLower(d.Message+d.Hint+d.Path+d.Snippet), "hunter")
			}
		})
	}
}
