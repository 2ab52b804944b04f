package promapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// ask sends a query within the time allowed and returns the body of the answer, to be given to free afterwards.
func (c *Client) ask(ctx context.Context, endpoint string, args url.Values) (*bytes.Buffer, error) {
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	u := *c.address
	u.Path = path.Join(u.Path, endpoint)
	form := u.Query() // The parameters of the URL go with every request, in the place that the server reads.
	maps.Copy(form, args)
	form.Set("timeout", serverTimeout(bounded))
	status, body, err := c.send(bounded, http.MethodPost, &u, form)
	switch status {
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented: // POST may be what is refused.
		_, body, err = c.send(bounded, http.MethodGet, &u, form)
	}
	if err != nil {
		return nil, c.fail(reasonOfCall(ctx, err), err)
	}
	return body, nil
}

// send makes one request. An answer outside 2xx is an *Error, returned with its status.
func (c *Client) send(ctx context.Context, method string, u *url.URL, form url.Values) (int, *bytes.Buffer, error) {
	target, content := *u, form.Encode()
	if method == http.MethodGet {
		target.RawQuery, content = content, ""
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), strings.NewReader(content))
	if err != nil {
		return 0, nil, fmt.Errorf("make the request: %w", err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header["Idempotency-Key"] = nil // Asking changes nothing: net/http may ask again where an idle connection broke.
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, ok := c.bodies.Get().(*bytes.Buffer)
	if !ok {
		body = &bytes.Buffer{}
	}
	body.Reset()
	answer := io.Reader(resp.Body)
	if resp.StatusCode/100 != 2 {
		answer = io.LimitReader(answer, maxRefusal)
	}
	_, err = body.ReadFrom(answer)
	if resp.StatusCode/100 == 2 {
		return 0, body, err
	}
	defer c.free(body)
	var said struct {
		Type v1.ErrorType `json:"errorType"`
		Text string       `json:"error"`
	}
	if json.Unmarshal(body.Bytes(), &said) != nil {
		said.Type, said.Text = "", ""
	}
	return resp.StatusCode, nil, &Error{Reason: reasonOfStatus(resp.StatusCode, said.Type), Err: refusal(resp.StatusCode, said.Text)}
}

// maxRefusal is how much is read of an answer outside 2xx: its words are shortened anyway.
const maxRefusal = 256 << 10

// maxFree bounds the memory that is used again. Large answers are rare: histories are long only when they are read for the first time.
const maxFree = 1 << 20

// free gives the memory of a body to the next one.
func (c *Client) free(body *bytes.Buffer) {
	if body.Cap() <= maxFree {
		c.bodies.Put(body)
	}
}

// serverTimeout is the time left, as a duration that every Prometheus can read: its grammar has no fractions.
func serverTimeout(ctx context.Context) string {
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline)
	if left > time.Second {
		return (left + time.Second - 1).Truncate(time.Second).String()
	}
	return max(left.Truncate(time.Millisecond), time.Millisecond).String()
}

// seconds writes milliseconds as the API reads times and steps.
func seconds(millis int64) string {
	return strconv.FormatFloat(float64(millis)/1000, 'f', -1, 64)
}
