package promapi_test

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

func TestQueryPassesValuesOn(t *testing.T) {
	sample := func(value string) string {
		return result("vector", `[{"metric":{"pod":"a"},"value":[1790000000.123,"`+value+`"]}]`)
	}
	tests := map[string]struct {
		body string
		want string
	}{
		"number":            {sample("7.25"), `{pod="a"} => 7.25 @[1790000000.123]`},
		"negative":          {sample("-1"), `{pod="a"} => -1 @[1790000000.123]`},
		"not a number":      {sample("NaN"), `{pod="a"} => NaN @[1790000000.123]`},
		"infinite":          {sample("+Inf"), `{pod="a"} => +Inf @[1790000000.123]`},
		"infinite, negated": {sample("-Inf"), `{pod="a"} => -Inf @[1790000000.123]`},
		"empty":             {result("vector", "[]"), ""},
		"infos":             {strings.Replace(sample("1"), `"data"`, `"infos":["PromQL info: not a counter"],"data"`, 1), `{pod="a"} => 1 @[1790000000.123]`},
		"infos of 2.5x":     {strings.Replace(sample("1"), `"data"`, `"warnings":["PromQL info: not a counter"],"data"`, 1), `{pod="a"} => 1 @[1790000000.123]`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for encoding, handler := range map[string]http.HandlerFunc{"plain": say(200, tt.body), "gzip": sayGzip(compress(t, tt.body))} {
				vector, err := connect(t, promapi.Config{URL: serve(t, handler).URL}).Query(t.Context(), "up", at)
				require.NoError(t, err, encoding)
				assert.NotNil(t, vector, encoding)
				assert.Equal(t, tt.want, vector.String(), encoding)
			}
		})
	}
}

func TestQueryPassesNativeHistogramsOn(t *testing.T) {
	body := result("vector", `[{"metric":{},"histogram":[1790000000.123,{"count":"3","sum":"1.5","buckets":[[0,"0.5","1","3"]]}]}]`)
	vector, err := connect(t, promapi.Config{URL: serve(t, say(200, body)).URL}).Query(t.Context(), "ttft", at)
	require.NoError(t, err)
	require.Len(t, vector, 1)
	require.NotNil(t, vector[0].Histogram)
	assert.InDelta(t, 3, float64(vector[0].Histogram.Count), 0)
}

func TestQueryAsks(t *testing.T) {
	const expr = `sum by (model_name) (vllm:num_requests_waiting{pod=~"a.*"})`
	tests := map[string]struct {
		timeout time.Duration
		want    string
	}{
		"whole seconds":      {30 * time.Second, "30s"},
		"minutes":            {90 * time.Second, "1m30s"},
		"rounded up":         {1500 * time.Millisecond, "2s"},
		"the default":        {0, "10s"},
		"more than a minute": {2*time.Minute + 100*time.Millisecond, "2m1s"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got url.Values
			var method, path, agent string
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.ParseForm() == nil {
					got, method, path, agent = r.Form, r.Method, r.URL.Path, r.UserAgent()
				}
				fmt.Fprint(w, oneSample)
			})
			client := connect(t, promapi.Config{URL: server.URL + "/prom", Timeout: tt.timeout, UserAgent: "variant_exporter/1.0"})
			_, err := client.Query(t.Context(), expr, at)
			require.NoError(t, err)
			assert.Equal(t, url.Values{"query": {expr}, "time": {"1790000000.123"}, "timeout": {tt.want}}, got)
			assert.Equal(t, "POST /prom/api/v1/query variant_exporter/1.0", method+" "+path+" "+agent)
		})
	}
}

func TestQueryTimeoutBelowASecondCanBeRead(t *testing.T) {
	var got string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.FormValue("timeout")
		fmt.Fprint(w, oneSample)
	})
	_, err := connect(t, promapi.Config{URL: server.URL, Timeout: 900 * time.Millisecond}).Query(t.Context(), "up", at)
	require.NoError(t, err)
	parsed, err := model.ParseDuration(got)
	require.NoError(t, err)
	assert.InDelta(t, 850, time.Duration(parsed).Milliseconds(), 50)
}

func TestQueryFallsBackToGET(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Error(w, "read only", http.StatusForbidden)
			return
		}
		fmt.Fprint(w, oneSample)
	})
	vector, err := connect(t, promapi.Config{URL: server.URL}).Query(t.Context(), "up", at)
	require.NoError(t, err)
	assert.Len(t, vector, 1)
}

func TestQueryRange(t *testing.T) {
	span := v1.Range{Start: at, End: at.Add(time.Minute), Step: 15 * time.Second}
	body := result("matrix", `[{"metric":{"pod":"a"},"values":[[1790000000.123,"1"],[1790000015.123,"NaN"]]}]`)
	matrix, err := connect(t, promapi.Config{URL: serve(t, say(200, body)).URL}).QueryRange(t.Context(), "up", span)
	require.NoError(t, err)
	require.Len(t, matrix, 1)
	require.Len(t, matrix[0].Values, 2)
	assert.InDelta(t, 1, float64(matrix[0].Values[0].Value), 0)
	assert.True(t, math.IsNaN(float64(matrix[0].Values[1].Value)))

	_, err = connect(t, promapi.Config{URL: serve(t, say(200, oneSample)).URL}).QueryRange(t.Context(), "up", span)
	assert.Equal(t, promapi.ReasonWrongType, promapi.ReasonOf(err))

	_, err = connect(t, promapi.Config{URL: serve(t, say(200, result("matrix", "[null]"))).URL}).QueryRange(t.Context(), "up", span)
	assert.Equal(t, promapi.ReasonBadResponse, promapi.ReasonOf(err))
}

func TestNewRefuses(t *testing.T) {
	tests := map[string]struct {
		cfg  promapi.Config
		want string
	}{
		"nothing":        {promapi.Config{}, "prometheus url: want http://host:port or https://host:port"},
		"no scheme":      {promapi.Config{URL: "prometheus:9090"}, "prometheus url: want http://host:port or https://host:port"},
		"no host":        {promapi.Config{URL: "http:///x"}, "prometheus url: want http://host:port or https://host:port"},
		"not a URL":      {promapi.Config{URL: "http://a b"}, `prometheus url: not a URL: invalid character " " in host name`},
		"odd password":   {promapi.Config{URL: "http://u:s3cr3t/x@host"}, "prometheus url: not a URL"},
		"two identities": {promapi.Config{URL: "http://u:p@host", HTTPConfig: config.HTTPClientConfig{BasicAuth: &config.BasicAuth{Username: "v"}}}, "prometheus url: user and password are given in both the url and basic_auth"},
		"a user and a token": {
			promapi.Config{URL: "http://u:p@host", HTTPConfig: config.HTTPClientConfig{Authorization: &config.Authorization{Credentials: "t"}}},
			"prometheus http_config: at most one of basic_auth, oauth2 & authorization must be configured",
		},
		"no such CA": {
			promapi.Config{URL: "https://host", HTTPConfig: config.HTTPClientConfig{TLSConfig: config.TLSConfig{CAFile: "/nonexistent/ca.crt"}}},
			"prometheus http_config: unable to read CA cert: unable to read file /nonexistent/ca.crt: open /nonexistent/ca.crt: no such file or directory",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := promapi.New(tt.cfg)
			assert.EqualError(t, err, tt.want)
		})
	}
}
