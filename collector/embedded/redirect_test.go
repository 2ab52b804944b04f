package embedded_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/embedded"
)

// TestSecretsOfAJobStay: a target that redirects to another port does not get the credentials of its job there.
func TestSecretsOfAJobStay(t *testing.T) {
	var visits, asked atomic.Int32
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	defer thief.Close()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, thief.URL, http.StatusFound)
	}))
	defer target.Close()
	engine := open(t, embedded.Config{Scrape: load(t, `
scrape_configs:
- job_name: a
  scrape_interval: 1s
  authorization: {credentials: s3cr3t}
  static_configs: [{targets: [%s]}]
`, strings.TrimPrefix(target.URL, "http://"))})
	run(t, engine)
	require.Eventually(t, func() bool { return asked.Load() > 0 }, waitFor, 20*time.Millisecond)
	eventually(t, engine, "up == 0", fmt.Sprintf(`up{instance=%q, job="a"} 0`, strings.TrimPrefix(target.URL, "http://")))
	require.Zero(t, visits.Load())
}
