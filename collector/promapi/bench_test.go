package promapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// BenchmarkQuery reads an answer of 1,000 series, over a connection that stays open.
func BenchmarkQuery(b *testing.B) {
	series := make([]string, 1000)
	for i := range series {
		series[i] = fmt.Sprintf(`{"metric":{"namespace":"llm","model_name":"llama","pod":"llama-%d"},"value":[1790000000.123,"%d"]}`, i, i)
	}
	body := result("vector", "["+strings.Join(series, ",")+"]")
	server := httptest.NewServer(say(http.StatusOK, body))
	b.Cleanup(server.Close)
	client, err := promapi.New(promapi.Config{URL: server.URL})
	require.NoError(b, err)
	b.Cleanup(client.Close)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		vector, err := client.Query(b.Context(), "up", at)
		require.NoError(b, err)
		require.Len(b, vector, len(series))
	}
}
