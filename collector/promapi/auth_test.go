package promapi_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// httpConfig reads what a user would write under http_config.
func httpConfig(t *testing.T, text string) config.HTTPClientConfig {
	t.Helper()
	var cfg config.HTTPClientConfig
	require.NoError(t, yaml.Unmarshal([]byte(text), &cfg))
	return cfg
}

// echo answers with one series whose label holds the header of that name.
func echo(header string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.Replace(oneSample, "llama", r.Header.Get(header), 1))
	}
}

func heard(t *testing.T, client *promapi.Client) string {
	t.Helper()
	vector, err := client.Query(t.Context(), "up", at)
	require.NoError(t, err)
	require.Len(t, vector, 1)
	return string(vector[0].Metric["model_name"])
}

func TestHTTPConfig(t *testing.T) {
	tests := map[string]struct {
		user, yaml, header, want string
	}{
		"basic authentication": {"", "basic_auth: {username: u, password: p}", "Authorization", "Basic dTpw"},
		"user in the URL":      {"u:p@", "{}", "Authorization", "Basic dTpw"},
		"bearer":               {"", "authorization: {credentials: t0k3n}", "Authorization", "Bearer t0k3n"},
		"tenant":               {"", "http_headers: {X-Scope-OrgID: {values: [team-a]}}", "X-Scope-OrgID", "team-a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			url := strings.Replace(serve(t, echo(tt.header)).URL, "http://", "http://"+tt.user, 1)
			client := connect(t, promapi.Config{URL: url, HTTPConfig: httpConfig(t, tt.yaml)})
			assert.Equal(t, tt.want, heard(t, client))
		})
	}
}

func TestBearerFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte("first\n"), 0o600))
	client := connect(t, promapi.Config{
		URL:        serve(t, echo("Authorization")).URL,
		HTTPConfig: httpConfig(t, "authorization: {credentials_file: "+path+"}"),
	})
	assert.Equal(t, "Bearer first", heard(t, client))
	require.NoError(t, os.WriteFile(path, []byte("second\n"), 0o600))
	assert.Equal(t, "Bearer second", heard(t, client))

	require.NoError(t, os.Remove(path))
	_, err := client.Query(t.Context(), "up", at)
	assert.Equal(t, promapi.ReasonConnection, promapi.ReasonOf(err))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(say(200, oneSample))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.crt")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(ca, certificate, 0o600))

	_, err := connect(t, promapi.Config{URL: server.URL, HTTPConfig: httpConfig(t, "tls_config: {ca_file: "+ca+"}")}).
		Query(t.Context(), "up", at)
	require.NoError(t, err)

	_, err = connect(t, promapi.Config{URL: server.URL}).Query(t.Context(), "up", at)
	assert.Equal(t, promapi.ReasonConnection, promapi.ReasonOf(err))
	assert.ErrorContains(t, err, "certificate signed by unknown authority")
}

func TestOAuth2(t *testing.T) {
	const settings = "oauth2: {client_id: exporter, client_secret: s3cr3t, token_url: %q}"
	tests := map[string]struct {
		token  http.HandlerFunc
		reason promapi.Reason
		text   string
	}{
		"granted": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"access_token":"t0k3n","token_type":"Bearer","expires_in":3600}`)
		}, "", ""},
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client","error_description":"s3cr3t is wrong"}`)
		}, promapi.ReasonUnauthorized, "token endpoint: HTTP 401 Unauthorized: invalid_client"},
		"broken": {say(503, "s3cr3t"), promapi.ReasonConnection, "token endpoint: HTTP 503 Service Unavailable"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := serve(t, echo("Authorization"))
			client := connect(t, promapi.Config{
				URL:        server.URL,
				HTTPConfig: httpConfig(t, fmt.Sprintf(settings, serve(t, tt.token).URL)),
			})
			if tt.text == "" {
				assert.Equal(t, "Bearer t0k3n", heard(t, client))
				return
			}
			_, err := client.Query(t.Context(), "up", at)
			assert.EqualError(t, err, fmt.Sprintf("%s: %s: %s", tt.reason, server.URL, tt.text))
		})
	}
}

func TestSecretsStayOutOfErrors(t *testing.T) {
	refused := serve(t, say(200, oneSample))
	refused.Close()
	away := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(refused.URL, "http://", "http://s3cr3t:s3cr3t@", 1)+"/?key=s3cr3t", http.StatusTemporaryRedirect)
	}
	urls := map[string]string{
		"refused": refused.URL, "redirected": serve(t, away).URL,
		"slow": serve(t, untilGone("")).URL, "500": serve(t, say(500, "s3cr3t")).URL,
		"GET": serve(t, say(403, "s3cr3t")).URL, "html": serve(t, say(200, "<s3cr3t>")).URL,
	}
	for name, u := range urls {
		t.Run(name, func(t *testing.T) {
			client := connect(t, promapi.Config{
				URL:        strings.Replace(u, "http://", "http://s3cr3t:s3cr3t@", 1) + "/?key=s3cr3t",
				HTTPConfig: config.HTTPClientConfig{FollowRedirects: true},
				Timeout:    100 * time.Millisecond,
			})
			_, err := client.Query(t.Context(), "up", at)
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "s3cr3t")
		})
	}
}
