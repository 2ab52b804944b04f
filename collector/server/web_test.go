package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/server"
)

// webConfig writes a web configuration file with TLS and one user, and returns it with a client that trusts the certificate.
func webConfig(t *testing.T) (file string, c *http.Client) {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	file = filepath.Join(dir, "web.yml")
	for name, content := range map[string][]byte{
		filepath.Join(dir, "cert.pem"): certPEM,
		filepath.Join(dir, "key.pem"):  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
		file: []byte(`
tls_server_config: {cert_file: cert.pem, key_file: key.pem}
basic_auth_users: {prometheus: $2a$04$LSrjIEmK.B3ul7SZEnsI/OeF/4MGM6rMkpSMyU5Jw5uaMH5QWXipy} # "secret"
`),
	} {
		require.NoError(t, os.WriteFile(name, content, 0o600))
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return file, &http.Client{
		Timeout:   waitFor,
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool}},
	}
}

// The race detector has something to find here when the listeners share a http.Server.
func TestTLSAndBasicAuthOnEveryAddress(t *testing.T) {
	file, trusting := webConfig(t)
	opts := options(t)
	opts.Web = listenOn("127.0.0.1:0", "127.0.0.1:0")
	*opts.Web.WebConfigFile = file
	srv := started(t, opts)
	for _, addr := range srv.Addrs() {
		for _, tc := range []struct {
			name, user, password string
			status               int
		}{
			{"no user", "", "", http.StatusUnauthorized},
			{"wrong password", "prometheus", "guess", http.StatusUnauthorized},
			{"right password", "prometheus", "secret", http.StatusOK},
		} {
			t.Run(tc.name, func(t *testing.T) {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+addr.String()+"/metrics", nil)
				require.NoError(t, err)
				if tc.user != "" {
					req.SetBasicAuth(tc.user, tc.password)
				}
				assert.Equal(t, tc.status, do(t, trusting, req).status)
			})
		}
		assert.Equal(t, http.StatusBadRequest, request(t, http.MethodGet, "http://"+addr.String()+"/metrics").status, "without TLS")
	}
}

// TestHealthAddress is about probes, which know neither TLS nor passwords: they see health, and nothing else.
func TestHealthAddress(t *testing.T) {
	file, _ := webConfig(t)
	opts := options(t)
	*opts.Web.WebConfigFile = file
	opts.HealthAddress = "127.0.0.1:0"
	srv := started(t, opts)
	probes := "http://" + srv.HealthAddr().String()
	for path, want := range map[string]int{"/-/healthy": http.StatusOK, "/metrics": http.StatusNotFound, "/": http.StatusNotFound, "/-/reload": http.StatusNotFound} {
		assert.Equal(t, want, request(t, http.MethodGet, probes+path).status, path)
	}
	require.Eventually(t, func() bool {
		return request(t, http.MethodGet, probes+"/-/ready").status == http.StatusOK
	}, waitFor, 20*time.Millisecond)
	assert.NotEqual(t, http.StatusOK, request(t, http.MethodGet, "http://"+srv.Addr().String()+"/-/healthy").status, "the other address has TLS")
	assert.Nil(t, started(t, options(t)).HealthAddr(), "no address without the flag")
}

// TestOddWebConfiguration: a pipe is refused by name, as the file itself and as one that it names.
func TestOddWebConfiguration(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	naming := filepath.Join(dir, "web.yml")
	require.NoError(t, os.WriteFile(naming, []byte("tls_server_config: {cert_file: pipe, key_file: pipe}"), 0o600))
	for _, file := range []string{pipe, naming, "/dev/zero", dir} {
		opts := options(t)
		opts.Web.WebConfigFile = &file
		_, err := server.New(t.Context(), opts)
		assert.ErrorContains(t, err, "is expected", file)
	}
}
