// Package discover finds out what a Prometheus knows of a fleet of model servers, and writes that as a configuration in which every
// value says where it comes from. It asks a bounded number of questions, whatever the size of the fleet, and one that fails ends it: a
// configuration of half a fleet is none.
package discover

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// Options say what is looked at.
type Options struct {
	URL        string         // of the Prometheus, as the configuration is to have it
	HTTPConfig string         // YAML of prometheus.http_config; empty for none
	Namespace  *regexp.Regexp // whole names of the namespaces to look at; nil for all
	Selector   config.Selector
	At         time.Time
	History    time.Duration // how far back is looked
	SLO        latency.SLO   // for which capacities are looked for, in seconds
	Command    string        // that the file is made by, as it can be typed again
}

// Fleet is what was found.
type Fleet struct {
	Options
	Labels   config.LabelNames // where they are not the usual ones
	KubeNS   string            // label of kube-state-metrics' series with the namespace; empty without kube-state-metrics
	Notes    []string          // about all of it
	Budgets  []Budget
	Models   []*Model
	OpenCost bool          // prices are measured
	Interval time.Duration // at which the servers are scraped; 0 where that is not known
	Known    time.Duration // how far back their series go; 0 where that is not known
	Asked    int           // questions
}

// Value is a value of the configuration as it is written, where it comes from, and what is still to be done about it.
type Value struct {
	Text  string
	From  string
	ToDo  string
	Guess bool // it follows from nothing: who knows better is right
	Seen  bool // it is the most that was seen, and it may be less than what can be
}

// Budget is a limit on the accelerators of a type.
type Budget struct {
	Name  string
	Limit Value
}

// Model is a model with what serves it.
type Model struct {
	Name, Namespace Value
	Presets         Value
	Pool            Value // the gateway's
	Variants        []*Variant

	server  *server
	gateway bool
}

// Variant is a workload that serves a model.
type Variant struct {
	Name        Value
	Kind        string
	Target      string
	Role        Value
	Accelerator Value
	Cost        Value
	Budget      string // and what a replica uses of it
	Uses        Value
	Tokens      Value // capacities
	Concurrency Value
	Startup     Value
	Min         Value
	Max         Value

	work *workload
}

// place is a pod, or another thing that has a name in a namespace.
type place struct{ namespace, name string }

// asker asks questions.
type asker struct {
	ctx      context.Context //nolint:containedctx // It lives as long as one call of Look.
	from     promapi.Querier
	at       time.Time
	selector config.Selector
	history  string
	asked    int
}

// ask asks what an expression yields. In it $history is the time looked back.
func (a *asker) ask(what, expr string) (model.Vector, error) {
	expr, err := a.selector.Narrow(strings.ReplaceAll(expr, "$history", a.history))
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", what, err)
	}
	a.asked++
	found, err := a.from.Query(a.ctx, expr, a.at)
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", what, err)
	}
	return found, nil
}

// seen selects the series that are there, or were within the history. Looking every ten minutes costs Prometheus little.
func seen(selector string) string {
	return fmt.Sprintf("(%s or last_over_time(%s[$history:10m]))", selector, selector)
}

// anyOf selects the series of the first of several names that there is.
func anyOf(names []string, matchers string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = seen(name + matchers)
	}
	return "(" + strings.Join(parts, " or ") + ")"
}

// Look asks a Prometheus for everything. An error that is a *NothingError says that it knows no model server.
func Look(ctx context.Context, from promapi.RangeQuerier, o Options) (*Fleet, error) {
	a := &asker{ctx: ctx, from: from, at: o.At, selector: o.Selector, history: model.Duration(o.History).String()}
	f := &Fleet{Options: o}
	servers, err := f.findServers(a)
	if err != nil {
		return nil, err
	}
	gateways, err := findGateways(a)
	if err != nil {
		return nil, err
	}
	if len(servers) == 0 {
		return nil, f.nothing(a, gateways)
	}
	works, err := f.findWorkloads(a, servers)
	if err != nil {
		return nil, err
	}
	if f.assemble(works, gateways); len(f.Models) == 0 {
		return nil, fmt.Errorf("%s tell, and none is of a workload that could be scaled: %s", many(len(servers), "server"), strings.Join(f.Notes, "; "))
	}
	for _, look := range []func(*asker, *workloads) error{f.lookAtScrapes, f.lookAtAccelerators, f.lookAtBounds, f.lookAtStarts, f.lookAtLoads, f.lookAtPrices} {
		if err := look(a, works); err != nil {
			return nil, err
		}
	}
	f.price()
	if err := f.calibrate(a, from); err != nil {
		return nil, err
	}
	f.Asked = a.asked
	return f, nil
}

func (f *Fleet) note(format string, args ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

// variants calls back for every variant.
func (f *Fleet) variants(do func(*Model, *Variant)) {
	for _, m := range f.Models {
		for _, v := range m.Variants {
			do(m, v)
		}
	}
}

// pick is the value of the first label that a series has.
func pick(m model.Metric, labels ...string) string {
	for _, l := range labels {
		if v := m[model.LabelName(l)]; v != "" {
			return string(v)
		}
	}
	return ""
}
