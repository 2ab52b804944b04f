package promapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// TestSecretsStayWithTheOrigin redirects each kind of secret to another port of the same host, which is another server.
func TestSecretsStayWithTheOrigin(t *testing.T) {
	for name, settings := range map[string]string{
		"header":      `http_headers: {X-Scope: {secrets: [s3cr3t]}}`,
		"token":       `authorization: {credentials: s3cr3t}`,
		"password":    `basic_auth: {username: me, password: s3cr3t}`,
		"OAuth token": `oauth2: {client_id: exporter, client_secret: s3cr3t, token_url: "TOKENS"}`,
	} {
		for _, code := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
			t.Run(fmt.Sprintf("%s %d", name, code), func(t *testing.T) {
				visits := 0
				thief := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					visits++
					fmt.Fprint(w, oneSample)
				})
				away := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL+"/key=s3cr3t", code) })
				text := strings.ReplaceAll(settings, "TOKENS", away.URL)
				client := connect(t, promapi.Config{URL: away.URL, HTTPConfig: httpConfig(t, text)})
				_, err := client.Query(t.Context(), "up", at)
				require.ErrorContains(t, err, "which is not followed")
				assert.NotContains(t, err.Error(), "s3cr3t")
				assert.Zero(t, visits)
			})
		}
	}
}

func TestRedirectWithinTheOriginIsFollowed(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/moved") {
			http.Redirect(w, r, "/moved"+r.URL.Path, http.StatusTemporaryRedirect)
			return
		}
		fmt.Fprint(w, oneSample)
	})
	client := connect(t, promapi.Config{URL: server.URL, HTTPConfig: httpConfig(t, "authorization: {credentials: x}")})
	_, err := client.Query(t.Context(), "up", at)
	require.NoError(t, err)
}

// TestErrorsArePrintable: what a source says must not move the cursor, or look like another line of the log.
func TestErrorsArePrintable(t *testing.T) {
	err := &promapi.Error{Reason: promapi.ReasonExecution, Err: errors.New("a\nlevel=info \x1b[31mred\u202e é")}
	assert.Equal(t, `execution: a\nlevel=info \x1b[31mred\u202e é`, err.Error())
}
