package promapi

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"

	"github.com/prometheus/common/config"
)

// maxRedirects is how many redirects of one request are followed, as net/http does.
const maxRedirects = 10

// SameOrigin is a CheckRedirect that follows redirects within the scheme, host and port that were configured. Credentials and headers must not go anywhere
// else, and an answer from elsewhere is not the answer of the source that was configured.
func SameOrigin(origin *url.URL) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if to := req.URL; to.Scheme != origin.Scheme || address(to) != address(origin) {
			return fmt.Errorf("redirects to %s://%s, which is not followed: configure the URL that answers", to.Scheme, to.Host)
		}
		if len(via) >= maxRedirects {
			return fmt.Errorf("redirects more than %d times", maxRedirects)
		}
		return nil
	}
}

// address is the host and port of a URL.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// onlyTo connects to the given addresses and nowhere else. The client that fetches tokens follows redirects by itself, with the secret
// in the body of its request.
func onlyTo(addresses ...string) config.DialContextFunc {
	var dialer net.Dialer
	return func(ctx context.Context, network, to string) (net.Conn, error) {
		if slices.Contains(addresses, to) {
			return dialer.DialContext(ctx, network, to)
		}
		return nil, fmt.Errorf("redirects to %s, which is not followed: configure the URL that answers", to)
	}
}

// guardTokens keeps the secret of OAuth 2 from following a redirect. Behind a proxy, all connections go to the proxy.
func guardTokens(cfg *Config, origin *url.URL) {
	o := cfg.HTTPConfig.OAuth2
	if o == nil || cfg.DialContext != nil || proxied(&cfg.HTTPConfig.ProxyConfig) || proxied(&o.ProxyConfig) {
		return
	}
	if token, err := url.Parse(o.TokenURL); err == nil {
		cfg.DialContext = onlyTo(address(origin), address(token))
	}
}

// proxied reports whether requests may go through a proxy.
func proxied(p *config.ProxyConfig) bool {
	return p.ProxyFromEnvironment || p.ProxyURL.URL != nil && p.ProxyURL.String() != ""
}
