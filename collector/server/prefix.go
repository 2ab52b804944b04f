package server

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// routePrefix is what a prefix of all paths may be.
var routePrefix = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$`)

// prefix is what all paths begin with: that of RoutePrefix, or else of ExternalURL. The empty text stands for none.
func (o *Options) prefix() (string, error) {
	external, err := url.Parse(o.ExternalURL)
	web := err == nil && (external.Scheme == "http" || external.Scheme == "https") && external.Host != ""
	onlyPath := err == nil && external.Scheme == "" && external.Host == "" && (external.Path == "" || strings.HasPrefix(external.Path, "/"))
	if !web && !onlyPath || external.User != nil || external.RawQuery != "" || external.Fragment != "" {
		return "", fmt.Errorf("the external URL %q is not valid: want http or https, a host and a path, such as https://tools.example.com/variants", o.ExternalURL)
	}
	prefix := external.Path
	if o.RoutePrefix != "" {
		prefix = o.RoutePrefix
	}
	cleaned := strings.TrimSuffix(path.Clean("/"+prefix), "/")
	if !routePrefix.MatchString(cleaned) {
		return "", fmt.Errorf("paths cannot begin with %q: want letters, digits, '.', '_', '~' and '-' between slashes, such as /tools/variants", prefix)
	}
	return cleaned, nil
}

// below serves a handler below a prefix, and leads from the root to it. A proxy may take a part of the path away before it asks: so each
// redirect is relative to where the client is.
func below(prefix string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, inside := strings.CutPrefix(r.URL.Path, prefix)
		switch {
		case prefix != "" && r.URL.Path == "/":
			redirect(w, "."+prefix+"/")
		case prefix != "" && r.URL.Path == prefix:
			redirect(w, "./"+path.Base(prefix)+"/")
		case !inside || !strings.HasPrefix(rest, "/"):
			http.NotFound(w, r)
		default:
			address := *r.URL
			address.Path, address.RawPath = rest, strings.TrimPrefix(r.URL.RawPath, prefix)
			stripped := r.WithContext(r.Context())
			stripped.URL = &address
			next.ServeHTTP(&relative{w, rest}, stripped)
		}
	})
}

func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}

// relative makes the redirects of a handler relative to the path that it was asked for.
type relative struct {
	http.ResponseWriter
	from string
}

// WriteHeader implements http.ResponseWriter.
func (r *relative) WriteHeader(status int) {
	if to := r.Header().Get("Location"); strings.HasPrefix(to, "/") {
		r.Header().Set("Location", "./"+strings.Repeat("../", strings.Count(r.from, "/")-1)+to[1:])
	}
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController find the connection.
func (r *relative) Unwrap() http.ResponseWriter { return r.ResponseWriter }
