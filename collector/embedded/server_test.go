package embedded_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/internal/promtest"
)

// startPrometheus starts a Prometheus server on a directory of samples and returns a client of it.
func startPrometheus(t *testing.T, dir, config string) *promapi.Client {
	t.Helper()
	client, err := promapi.New(promapi.Config{URL: promtest.Start(t, promtest.Server{Config: func(string) string { return config }, Data: dir})})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}
