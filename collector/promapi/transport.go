package promapi

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
)

// bodyLimiter bounds what is read of an answer. client_golang reads a body to its end, whatever its size, and a small
// compressed body can hold a very large one: the limit is on the decompressed bytes. prometheus/common's transports leave
// compression to their caller, so asking for it and undoing it are done here too.
type bodyLimiter struct {
	next  http.RoundTripper
	limit int64
}

// RoundTrip implements http.RoundTripper.
func (l *bodyLimiter) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body := &limitedBody{source: resp.Body, reader: resp.Body, left: l.limit, limit: l.limit, account: accountOf(req.Context())}
	if resp.Header.Get("Content-Encoding") == "gzip" {
		body.reader = &lazyGzip{source: resp.Body}
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		resp.ContentLength, resp.Uncompressed = -1, true
	}
	resp.Body = body
	return resp, nil
}

// CloseIdleConnections passes the call on, as http.Client expects of a transport.
func (l *bodyLimiter) CloseIdleConnections() {
	if c, ok := l.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// limitedBody fails, rather than ends, where the limit is passed: a cut answer must not parse.
type limitedBody struct {
	source io.Closer
	reader io.Reader
	left   int64
	limit  int64

	account *account
}

// Read implements io.Reader.
func (b *limitedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.reader.Read(p)
	if int64(n) > b.left {
		n, b.left = int(b.left), 0
		return n, &Error{Reason: ReasonTooLarge, Err: fmt.Errorf("the answer is over %d bytes", b.limit)}
	}
	b.left -= int64(n)
	if over := b.account.spend(bodyShare * n); over != nil {
		return n, over
	}
	return n, err
}

// Close implements io.Closer.
func (b *limitedBody) Close() error { return b.source.Close() }

// lazyGzip reads the header of the compressed stream with the first byte asked for, so that a slow body is waited for
// where the body is read, under the caller's context.
type lazyGzip struct {
	source io.Reader
	gzip   *gzip.Reader
	err    error
}

// Read implements io.Reader.
func (z *lazyGzip) Read(p []byte) (int, error) {
	if z.gzip == nil && z.err == nil {
		z.gzip, z.err = gzip.NewReader(z.source)
	}
	if z.err != nil {
		return 0, z.err
	}
	return z.gzip.Read(p)
}
