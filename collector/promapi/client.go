package promapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// The limits that a Config without its own gets.
const (
	DefaultTimeout      = 10 * time.Second
	DefaultMaxBodyBytes = 16 << 20
)

// Config says which Prometheus to ask, and how. Only URL is required.
type Config struct {
	// URL is where the API of the Prometheus starts, with a path if it is served below one. A user and password in it are
	// sent as basic authentication.
	URL string
	// HTTPConfig is TLS, credentials, headers and proxies. Start from config.DefaultHTTPClientConfig: the zero value follows
	// no redirects and speaks no HTTP/2. Redirects to another scheme, host or port are never followed. Files it names are read
	// again when they change.
	HTTPConfig config.HTTPClientConfig
	// Timeout bounds one query from connecting to the last byte. A context that ends earlier comes first.
	Timeout time.Duration
	// MaxBodyBytes bounds one answer, after decompression.
	MaxBodyBytes int64
	// UserAgent is sent with every request.
	UserAgent string
	// DialContext makes the connections; nil: over TCP. With it a server in the same process can be asked without sockets.
	DialContext config.DialContextFunc
}

// Client asks a Prometheus, or anything else that speaks its HTTP API. It keeps no state but its idle connections and
// what saves work, and is safe for concurrent use.
type Client struct {
	address *url.URL
	http    *http.Client
	name    string
	timeout time.Duration
	known   knownLabels
	bodies  sync.Pool // of *bytes.Buffer
}

var _ RangeQuerier = (*Client)(nil)

// New returns a Client. It reads the files that the configuration names, but connects to nothing.
func New(cfg Config) (*Client, error) {
	origin, user, err := splitAddress(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("prometheus url: %w", err)
	}
	if cfg.HTTPConfig.BasicAuth == nil {
		cfg.HTTPConfig.BasicAuth = user
	} else if user != nil {
		return nil, errors.New("prometheus url: user and password are given in both the url and basic_auth")
	}
	if err := cfg.HTTPConfig.Validate(); err != nil {
		return nil, fmt.Errorf("prometheus http_config: %w", err)
	}
	guardTokens(&cfg, origin)
	options := []config.HTTPClientOption{config.WithUserAgent(cfg.UserAgent)}
	if cfg.DialContext != nil {
		options = append(options, config.WithDialContextFunc(cfg.DialContext))
	}
	hc, err := config.NewClientFromConfig(cfg.HTTPConfig, "prometheus", options...)
	if err != nil {
		return nil, fmt.Errorf("prometheus http_config: %w", err)
	}
	if cfg.HTTPConfig.FollowRedirects {
		hc.CheckRedirect = SameOrigin(origin)
	}
	limit := cfg.MaxBodyBytes
	if limit <= 0 {
		limit = DefaultMaxBodyBytes
	}
	hc.Transport = &bodyLimiter{next: hc.Transport, limit: limit}
	c := &Client{address: origin, http: hc, name: displayName(origin), timeout: cfg.Timeout}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	return c, nil
}

// Query implements Querier.
func (c *Client) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	when := at.UnixMilli() // The server would round up, the embedded engine down.
	body, err := c.ask(ctx, "/api/v1/query", url.Values{"query": {expr}, "time": {seconds(when)}})
	if err != nil {
		return nil, err
	}
	defer c.free(body)
	account := accountOf(ctx)
	vector, err := decodeVector(body.Bytes(), instant(when), &c.known, account)
	_ = account.spend(-bodyShare * body.Len())
	if err != nil {
		return nil, c.fail(ReasonOf(err), err)
	}
	return vector, nil
}

// QueryRange answers expr at every step of r, whose times and step count in whole milliseconds. Its errors are those of Query.
func (c *Client) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	asked := grid{r.Start.UnixMilli(), r.End.UnixMilli(), max(r.Step.Milliseconds(), 1)}
	body, err := c.ask(ctx, "/api/v1/query_range", url.Values{
		"query": {expr}, "start": {seconds(asked.start)}, "end": {seconds(asked.end)}, "step": {seconds(asked.step)},
	})
	if err != nil {
		return nil, err
	}
	defer c.free(body)
	account := accountOf(ctx)
	matrix, err := decodeMatrix(body.Bytes(), asked, &c.known, account)
	_ = account.spend(-bodyShare * body.Len())
	if err != nil {
		return nil, c.fail(ReasonOf(err), err)
	}
	return matrix, nil
}

// Close closes the idle connections. Queries under way are not disturbed.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// splitAddress parses a URL and takes user and password out of it, so that they cannot reach an error text.
func splitAddress(text string) (*url.URL, *config.BasicAuth, error) {
	u, err := url.Parse(text)
	if err != nil {
		var ue *url.Error
		if strings.Contains(text, "@") || !errors.As(err, &ue) {
			return nil, nil, errors.New("not a URL")
		}
		return nil, nil, fmt.Errorf("not a URL: %w", ue.Err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, nil, errors.New("want http://host:port or https://host:port")
	}
	if u.User == nil {
		return u, nil, nil
	}
	password, _ := u.User.Password()
	user := &config.BasicAuth{Username: u.User.Username(), Password: config.Secret(password)}
	u.User = nil
	return u, user, nil
}

// displayName is the address as error texts show it: without the parameters, which may hold a key.
func displayName(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path, "/")}).String()
}
