package promapi_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// FuzzQuery holds that whatever a server sends is either a vector or an error of the closed list.
func FuzzQuery(f *testing.F) {
	f.Add(200, []byte(oneSample))
	f.Add(200, []byte(result("vector", `[{"metric":{},"histogram":[1,{"count":"1","sum":"1","buckets":[[0,"0","1","1"]]}]}]`)))
	f.Add(200, []byte(result("vector", `[{"value":[1,"NaN"]},{"value":[]},null]`)))
	f.Add(200, []byte(`{"status":"success","data":null}`))
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
		vector, err := connect(t, promapi.Config{URL: server.URL}).Query(t.Context(), "up", at)
		switch {
		case err == nil && vector == nil:
			t.Error("neither an answer nor an error")
		case err != nil && !slices.Contains(promapi.Reasons(), promapi.ReasonOf(err)):
			t.Errorf("%v is not of the list", err)
		}
		for _, s := range vector {
			_ = s.String()
		}
	})
}
