package config_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

const withClient = `
prometheus: {url: http://p, http_config: {%s}}
models: [{name: m, namespace: n, presets: [vllm], variants: [{name: v, cost: %s, capacity: {concurrency: 1}}]}]
`

// TestClientIsCheckedWhenLoaded is about what HTTP libraries say only when they are used.
func TestClientIsCheckedWhenLoaded(t *testing.T) {
	for name, tc := range map[string]struct{ client, cost, want string }{
		"a CA that is no PEM":      {"tls_config: {ca: nonsense}", "1", "no certificate in PEM"},
		"a token URL without host": {"oauth2: {client_id: a, client_secret: b, token_url: 'idp/token'}", "1", "not the URL of a token endpoint"},
		"a newline in a header":    {`http_headers: {X-A: {values: ["a\nb"]}}`, "1", "a line break or control character in a header"},
		"a newline in a secret":    {`http_headers: {X-A: {secrets: ["a\n"]}}`, "1", "a line break or control character in a header"},
		"a newline in a token":     {`authorization: {credentials: "a\n"}`, "1", "a line break or control character in a header"},
		"a header's name":          {`http_headers: {"X A": {values: [a]}}`, "1", "not the name of an HTTP header"},
		"a cost out of this world": {"", "1e300", "1e300 is too large"},
	} {
		t.Run(name, func(t *testing.T) {
			c, found := config.Load("variant_exporter.yml", fmt.Sprintf(withClient, tc.client, tc.cost))
			require.Nil(t, c)
			require.Contains(t, render(found), tc.want)
			require.NotZero(t, found[0].Line)
		})
	}
}

// TestOnlyRegularFilesAreRead: a device that never ends must not stop the exporter, nor a pipe that a configuration names. TestPipe is
// about one that the command line names.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	pipe, text := filepath.Join(dir, "pipe"), filepath.Join(dir, "text")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.WriteFile(text, []byte("nonsense"), 0o600))
	for _, name := range []string{"/dev/zero", dir} {
		_, _, err := config.LoadFile(name)
		require.ErrorContains(t, err, "is expected")
	}
	for client, want := range map[string]string{
		"tls_config: {ca_file: pipe}":                              "a pipe, socket or device",
		"tls_config: {ca_file: text}":                              "no certificate in PEM",
		"authorization: {credentials_file: pipe}":                  "a pipe, socket or device",
		"basic_auth: {username: me, password_file: pipe}":          "a pipe, socket or device",
		"http_headers: {X-A: {files: [/dev/zero]}}":                "a pipe, socket or device",
		"authorization: {credentials_file: is/mounted/by/the/pod}": "",
	} {
		name := filepath.Join(dir, "variant_exporter.yml")
		require.NoError(t, os.WriteFile(name, fmt.Appendf(nil, withClient, client, "1"), 0o600))
		c, found, err := config.LoadFile(name)
		require.NoError(t, err)
		require.Equal(t, want == "", c != nil)
		require.Contains(t, render(found), want)
	}
}

// TestFilesOfClients: a file that a client of Prometheus or of a scrape job names is what it should be. A library that reads a pipe waits for
// ever, and a device it reads until there is no memory left.
func TestFilesOfClients(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	for name, text := range map[string]string{"empty": " \n", "nul": "a\x00b", "lines": "a\nb", "good": "hunter2\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "huge"), bytes.Repeat([]byte("a"), 65<<10), 0o600))
	for file, want := range map[string]string{
		"pipe": "a pipe, socket or device", "/dev/zero": "a pipe, socket or device", ".": "a folder", "empty": "nothing in it",
		"nul": "a line break or control character", "lines": "a line break or control character", "huge": "larger than 65536 bytes", "good": "",
	} {
		client := "authorization: {credentials_file: " + file + "}"
		for _, text := range []string{
			fmt.Sprintf(withClient, client, "1"),
			strings.Replace(fmt.Sprintf(withClient, "", "1"), "prometheus: {url: http://p, http_config: {}}",
				"scrape_configs: [{job_name: a, "+client+", static_configs: [{targets: [a:1]}]}]", 1),
		} {
			name := filepath.Join(dir, "variant_exporter.yml")
			require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
			c, found, err := config.LoadFile(name)
			require.NoError(t, err)
			require.Equal(t, want == "", c != nil, "%s: %s", file, render(found))
			require.Contains(t, render(found), want)
			require.NotContains(t, render(found), "hunter2")
		}
	}
}

// TestLargeFile: what is too large for a configuration is not read to its end.
func TestLargeFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "large")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	require.NoError(t, os.Truncate(name, 16<<20+1))
	_, _, err := config.LoadFile(name)
	require.EqualError(t, err, "read configuration: "+name+": larger than 16777216 bytes")
}

// TestHTTPConfigFile: the settings of an HTTP client in a file of their own are as strict as those in a configuration, and as private.
func TestHTTPConfigFile(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "good"), []byte("hunter2\n"), 0o600))
	for text, want := range map[string]string{
		"basic_auth: {username: a, password_file: good}":                   "",
		"basic_auth: hunter2":                                              ":1:13: error: basic_auth: this must be a mapping",
		"basic_auth: {username: a, passwrd: hunter2}":                      `error: basic_auth.passwrd: unknown field "passwrd"`,
		"basic_auth: {username: a, password: 'hunter2}":                    "error: not YAML",
		"authorization: {credentials_file: missing}":                       "error: authorization.credentials_file: open " + filepath.Join(dir, "missing"),
		"http_headers: {a: {secrets: [\"hunter2\\n\"]}}":                   "error: http_headers.a: a line break or control character",
		"authorization: {credentials: a}\nbasic_auth: {username: hunter2}": "at most one of",
		"": "error",
	} {
		name := filepath.Join(dir, "client.yml")
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		settings, read, err := config.LoadHTTPConfigFile(name)
		if want == "" {
			require.NoError(t, err)
			require.Equal(t, filepath.Join(dir, "good"), settings.BasicAuth.PasswordFile)
			require.Equal(t, text, string(read))
			continue
		}
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "hunter2")
	}
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	go func() { _ = os.WriteFile(pipe, []byte("authorization: {credentials: hunter2}"), 0o600) }()
	settings, _, err := config.LoadHTTPConfigFile(pipe)
	require.NoError(t, err)
	require.Equal(t, "hunter2", string(settings.Authorization.Credentials))
}
