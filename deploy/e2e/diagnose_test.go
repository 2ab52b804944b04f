package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// diagnose keeps, among the logs, what everything says of itself when the tests have failed.
func (c *chain) diagnose(t *testing.T) {
	if !t.Failed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	var text strings.Builder
	if vector, err := c.Query(ctx, `{__name__=~"up|((variant|kube_deployment|llm_d_epp)_|vllm:(num|kv)_).*"}`); err != nil {
		fmt.Fprintln(&text, err)
	} else {
		for _, sample := range vector {
			fmt.Fprintln(&text, sample)
		}
	}
	c.file(t, "series.txt", []byte(text.String()))
	c.file(t, "explain.json", []byte(body(ctx, "http://"+exporterAddress+"/api/v1/explain")))
	text.Reset()
	hpas, err := c.Client.AutoscalingV2().HorizontalPodAutoscalers(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		fmt.Fprintln(&text, err)
	} else {
		for i := range hpas.Items {
			hpas.Items[i].ManagedFields = nil
			object, err := yaml.Marshal(hpas.Items[i])
			fmt.Fprintf(&text, "---\n%s%v\n", object, err)
		}
	}
	c.file(t, "hpa-status.yaml", []byte(text.String()))
}

// body returns what an address answers, or why it does not.
func body(ctx context.Context, url string) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
