package promapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// apiError is the body with which Prometheus refuses a query.
func apiError(kind, text string) string {
	return fmt.Sprintf(`{"status":"error","errorType":%q,"error":%q}`, kind, text)
}

func result(kind, value string) string {
	return fmt.Sprintf(`{"status":"success","data":{"resultType":%q,"result":%s}}`, kind, value)
}

func TestQueryFailures(t *testing.T) {
	const limit = 4 << 10
	tests := map[string]struct {
		handler http.HandlerFunc
		reason  promapi.Reason
		text    string
	}{
		"headers do not come":  {untilGone(""), promapi.ReasonTimeout, "context deadline exceeded"},
		"body does not end":    {untilGone(`{"status":"succ`), promapi.ReasonTimeout, "context deadline exceeded"},
		"body breaks off":      {cut, promapi.ReasonConnection, "unexpected EOF"},
		"connection breaks":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, promapi.ReasonConnection, "EOF"},
		"401":                  {say(401, "no org id"), promapi.ReasonUnauthorized, "HTTP 401 Unauthorized"},
		"403 to POST and GET":  {say(403, ""), promapi.ReasonUnauthorized, "HTTP 403 Forbidden"},
		"400":                  {say(400, apiError("bad_data", "parse error: no")), promapi.ReasonBadQuery, "HTTP 400 Bad Request: parse error: no"},
		"400 of another kind":  {say(400, apiError("odd", "no")), promapi.ReasonBadQuery, "HTTP 400 Bad Request: no"},
		"400 from a proxy":     {say(400, "<html>"), promapi.ReasonClientError, "HTTP 400 Bad Request"},
		"422":                  {say(422, apiError("execution", "many-to-many")), promapi.ReasonExecution, "HTTP 422 Unprocessable Entity: many-to-many"},
		"422 over a limit":     {say(422, apiError("cost_limit", "too dear")), promapi.ReasonExecution, "HTTP 422 Unprocessable Entity: too dear"},
		"422 from a proxy":     {say(422, "<html>"), promapi.ReasonClientError, "HTTP 422 Unprocessable Entity"},
		"404":                  {say(404, "404 page not found"), promapi.ReasonClientError, "HTTP 404 Not Found"},
		"429":                  {say(429, ""), promapi.ReasonClientError, "HTTP 429 Too Many Requests"},
		"500":                  {say(500, apiError("internal", "disk")), promapi.ReasonServerError, "HTTP 500 Internal Server Error: disk"},
		"503 at start":         {say(503, "Service Unavailable"), promapi.ReasonServerError, "HTTP 503 Service Unavailable"},
		"503 that is too long": {say(503, strings.Repeat("x", 2*limit)), promapi.ReasonServerError, "HTTP 503 Service Unavailable"},
		"503 on time-out":      {say(503, apiError("timeout", "query timed out")), promapi.ReasonTimeout, "HTTP 503 Service Unavailable: query timed out"},
		"504 from a proxy":     {say(504, "<html>"), promapi.ReasonTimeout, "HTTP 504 Gateway Timeout"},
		"redirect":             {moved, promapi.ReasonBadResponse, "HTTP 302 Found"},
		"not JSON":             {say(200, "<html>"), promapi.ReasonBadResponse, "byte 0: want an object, not '<'"},
		"nothing":              {say(200, ""), promapi.ReasonBadResponse, "unexpected end of JSON input"},
		"no content":           {say(204, ""), promapi.ReasonBadResponse, "unexpected end of JSON input"},
		"other JSON":           {say(200, `{"took":3}`), promapi.ReasonBadResponse, "the answer has no status"},
		"null":                 {say(200, "null"), promapi.ReasonBadResponse, "byte 0: want an object, not null"},
		"unknown type":         {say(200, result("tensor", "[]")), promapi.ReasonBadResponse, `unknown value type "tensor"`},
		"null sample":          {say(200, result("vector", "[null]")), promapi.ReasonBadResponse, "byte 60: want an element, not null"},
		"sample without value": {say(200, result("vector", `[{"metric":{}}]`)), promapi.ReasonBadResponse, "the answer holds an element without a value"},
		"200 with an error":    {say(200, apiError("timeout", "slow store")), promapi.ReasonTimeout, "slow store"},
		"200 with some error":  {say(200, apiError("internal", "odd")), promapi.ReasonBadResponse, "odd"},
		"too large":            {say(200, padded(limit)), promapi.ReasonTooLarge, "the answer is over 4096 bytes"},
		"too large unzipped":   {sayGzip(compress(t, padded(limit))), promapi.ReasonTooLarge, "the answer is over 4096 bytes"},
		"not gzip":             {sayGzip([]byte(strings.Repeat("x", 64))), promapi.ReasonBadResponse, "gzip: invalid header"},
		"gzip that breaks off": {sayGzip(compress(t, oneSample)[:40]), promapi.ReasonConnection, "unexpected EOF"},
		"warnings": {
			say(200, strings.Replace(oneSample, `"data"`, `"warnings":["store a: down","store b: down"],"data"`, 1)),
			promapi.ReasonWarnings, "store a: down; store b: down",
		},
		"scalar": {say(200, result("scalar", `[1790000000,"1"]`)), promapi.ReasonWrongType, "the answer is a scalar, not a vector"},
		"string": {say(200, result("string", `[1790000000,"a"]`)), promapi.ReasonWrongType, "the answer is a string, not a vector"},
		"matrix": {say(200, result("matrix", "[]")), promapi.ReasonWrongType, "the answer is a matrix, not a vector"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := serve(t, tt.handler)
			timeout := 10 * time.Second
			if tt.reason == promapi.ReasonTimeout {
				timeout = 100 * time.Millisecond
			}
			client := connect(t, promapi.Config{URL: server.URL + "/prometheus/", MaxBodyBytes: limit, Timeout: timeout})
			vector, err := client.Query(t.Context(), "up", at)
			assert.Nil(t, vector)
			require.Error(t, err)
			assert.Equal(t, tt.reason, promapi.ReasonOf(err))
			assert.Equal(t, fmt.Sprintf("%s: %s/prometheus: %s", tt.reason, server.URL, tt.text), err.Error())
		})
	}
}

// cut promises more than it sends.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, oneSample)
}

// moved sends the client elsewhere, which it may not follow.
func moved(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/login", http.StatusFound)
}

func TestQueryConnectionRefused(t *testing.T) {
	server := serve(t, say(200, oneSample))
	server.Close()
	_, err := connect(t, promapi.Config{URL: server.URL}).Query(t.Context(), "up", at)
	assert.Equal(t, promapi.ReasonConnection, promapi.ReasonOf(err))
	assert.EqualError(t, err, fmt.Sprintf("connection: %s: dial tcp %s: connect: connection refused",
		server.URL, strings.TrimPrefix(server.URL, "http://")))
}

func TestQueryTellsTheCallerGivingUpFromADeadline(t *testing.T) {
	tests := map[string]struct {
		end    func(context.Context) (context.Context, context.CancelFunc)
		reason promapi.Reason
		is     error
	}{
		"given up": {
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(20*time.Millisecond, cancel)
				return ctx, cancel
			}, promapi.ReasonCanceled, context.Canceled,
		},
		"given up before": {
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return ctx, cancel
			}, promapi.ReasonCanceled, context.Canceled,
		},
		"the caller's deadline": {
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 20*time.Millisecond)
			}, promapi.ReasonTimeout, context.DeadlineExceeded,
		},
	}
	for name, tt := range tests {
		for part, handler := range map[string]http.HandlerFunc{"headers": untilGone(""), "body": untilGone("{")} {
			t.Run(name+" during "+part, func(t *testing.T) {
				client := connect(t, promapi.Config{URL: serve(t, handler).URL})
				ctx, cancel := tt.end(t.Context())
				defer cancel()
				_, err := client.Query(ctx, "up", at)
				assert.Equal(t, tt.reason, promapi.ReasonOf(err))
				assert.ErrorIs(t, err, tt.is)
			})
		}
	}
}

func TestReasonsAreTheClosedList(t *testing.T) {
	seen := map[promapi.Reason]bool{}
	for _, r := range promapi.Reasons() {
		assert.Regexp(t, "^[a-z_]+$", r)
		assert.False(t, seen[r], r)
		seen[r] = true
	}
	assert.Len(t, seen, 14)
	assert.Equal(t, promapi.ReasonBadResponse, promapi.ReasonOf(context.Canceled))
}
