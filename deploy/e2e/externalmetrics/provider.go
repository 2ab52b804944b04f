package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/klog/v2"
	"k8s.io/metrics/pkg/apis/external_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

// queryTimeout bounds every question to Prometheus.
const queryTimeout = 5 * time.Second

// metric is a series that some rule serves.
type metric struct {
	rule   *rule
	series string
}

// rulesProvider answers requests for external metrics from Prometheus by rules. Which metrics there are it asks for now and then,
// as Prometheus Adapter does: a series that is new is not served before that.
type rulesProvider struct {
	prometheus promv1.API
	rules      []rule
	maxAge     time.Duration
	now        func() time.Time

	metrics atomic.Pointer[map[string]metric]
}

// relist asks which metrics there are, every so often until the context ends. What it knew stays where Prometheus does not answer.
func (p *rulesProvider) relist(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := p.list(ctx); err != nil {
			klog.ErrorS(err, "list metrics")
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (p *rulesProvider) list(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	found := map[string]metric{}
	now := p.now()
	for i := range p.rules {
		r := &p.rules[i]
		series, warnings, _, err := p.prometheus.Series(ctx, []string{r.series}, now.Add(-p.maxAge), now)
		if err != nil {
			return fmt.Errorf("list %s: %w", r.series, err)
		}
		if len(warnings) > 0 {
			klog.InfoS("list metrics", "series", r.series, "warnings", warnings)
		}
		for _, labels := range series {
			name := string(labels[model.MetricNameLabel])
			if as, ok := r.metric(name); ok {
				found[as] = metric{r, name}
			}
		}
	}
	p.metrics.Store(&found)
	return nil
}

// ListAllExternalMetrics returns the metrics that there were when they were last asked for.
func (p *rulesProvider) ListAllExternalMetrics() []provider.ExternalMetricInfo {
	var all []provider.ExternalMetricInfo
	if metrics := p.metrics.Load(); metrics != nil {
		for name := range *metrics {
			all = append(all, provider.ExternalMetricInfo{Metric: name})
		}
	}
	return all
}

// GetExternalMetric asks Prometheus for a metric, now. A metric that is not known is not found; one without a value is empty.
func (p *rulesProvider) GetExternalMetric(
	ctx context.Context, namespace string, selector labels.Selector, info provider.ExternalMetricInfo,
) (*external_metrics.ExternalMetricValueList, error) {
	var known metric
	if metrics := p.metrics.Load(); metrics != nil {
		known = (*metrics)[info.Metric]
	}
	if known.rule == nil {
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: external_metrics.GroupName, Resource: info.Metric}, info.Metric)
	}
	expression, err := known.rule.promQL(known.series, namespace, selector)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	now := p.now()
	value, _, _, err := p.prometheus.Query(ctx, expression, now)
	if err != nil {
		return nil, apierrors.NewInternalError(fmt.Errorf("ask Prometheus for %s: %w", expression, err))
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, apierrors.NewInternalError(errors.New("not a vector: " + expression))
	}
	list := &external_metrics.ExternalMetricValueList{}
	for _, sample := range vector {
		list.Items = append(list.Items, external_metrics.ExternalMetricValue{
			MetricName: info.Metric, MetricLabels: labelsOf(sample.Metric), Timestamp: metav1.NewTime(now),
			Value: *resource.NewMilliQuantity(int64(sample.Value*1000), resource.DecimalSI),
		})
	}
	return list, nil
}

func labelsOf(m model.Metric) map[string]string {
	out := make(map[string]string, len(m))
	for name, value := range m {
		if name != model.MetricNameLabel {
			out[string(name)] = string(value)
		}
	}
	return out
}
