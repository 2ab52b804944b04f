package promapi_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// FuzzQuery holds that whatever a server sends is either an answer of the type that was asked for, or an error of the closed list.
func FuzzQuery(f *testing.F) {
	f.Add(200, []byte(oneSample))
	f.Add(200, []byte(result("vector", `[{"metric":{},"histogram":[1,{"count":"1","sum":"1","buckets":[[0,"0","1","1"]]}]}]`)))
	f.Add(200, []byte(result("vector", `[{"value":[1,"NaN"]},{"value":[]},null]`)))
	f.Add(200, []byte(`{"status":"success","data":null}`))
	f.Add(200, []byte(result("matrix", `[{"metric":{},"values":[[1,"7"],[2,"NaN"]]},{"metric":{},"histograms":[[1,{"count":"1","sum":"1"}]]},null]`)))
	f.Add(422, []byte(apiError("execution", "no")))
	f.Add(503, []byte(apiError("timeout", "no")))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			w.Write(body)
		})
		client := connect(t, promapi.Config{URL: server.URL})
		vector, err := client.Query(t.Context(), "up", at)
		answered(t, vector == nil, err)
		for _, s := range vector {
			_ = s.String()
		}
		matrix, err := client.QueryRange(t.Context(), "up", v1.Range{Start: at, End: at.Add(time.Minute), Step: time.Second})
		answered(t, matrix == nil, err)
		for _, s := range matrix {
			_ = s.String()
		}
	})
}

// answered holds that there is an answer, or an error of the list.
func answered(t *testing.T, nothing bool, err error) {
	t.Helper()
	switch {
	case err == nil && nothing:
		t.Error("neither an answer nor an error")
	case err != nil && !slices.Contains(promapi.Reasons(), promapi.ReasonOf(err)):
		t.Errorf("%v is not of the list", err)
	}
}
