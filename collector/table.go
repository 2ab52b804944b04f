package collector

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Metric describes one of the series that an evaluation yields. All are gauges.
type Metric struct {
	Name   string
	Help   string
	Labels []string
}

// desc makes a metric's description for client_golang.
func (m Metric) desc() *prometheus.Desc { return prometheus.NewDesc(m.Name, m.Help, m.Labels, nil) }

// metricID is a place in the table of metrics.
type metricID int

const (
	desiredReplicas metricID = iota
	plannedReplicas
	currentReplicas
	readyReplicas
	variantInfo
	variantCost
	variantCapacity
	variantCorrection
	variantStuck
	variantUp
	variantDecision
	modelDemand
	modelStabilized
	modelForecast
	modelPlanned
	modelReady
	modelShortfall
	budgetLimit
	budgetUsed
	queryUp
	queryDuration
	queryAge
	querySeries
	queryMatched
	queryFailure
	queryBadSamples
	evaluationDuration
	evaluationTime
	optimalityGap
	shortfallGap
	planCost
	metricCount
)

// Metrics is the table of every series that an evaluation yields, in a fixed order.
func Metrics() []Metric {
	variant := []string{"variant", "model", "target_namespace"}
	signal := []string{"model", "target_namespace", "signal", "unit"}
	with := func(labels []string, more ...string) []string {
		return append(slices.Clip(labels), more...)
	}
	table := make([]Metric, metricCount)
	table[desiredReplicas] = Metric{"variant_desired_replicas", "Replicas to scale to: the plan after the guards. Absent where it cannot be trusted.", variant}
	table[plannedReplicas] = Metric{"variant_planned_replicas", "Replicas of the cheapest plan that carries the demand, before the guards.", variant}
	table[currentReplicas] = Metric{"variant_current_replicas", "Replicas that the scale target asks for now.", variant}
	table[readyReplicas] = Metric{"variant_ready_replicas", "Replicas of the scale target that are ready now.", variant}
	table[variantInfo] = Metric{"variant_info", "What a variant is. The value is 1.", with(variant, "accelerator", "role", "scale_target_kind", "scale_target_name")}
	table[variantCost] = Metric{"variant_replica_cost_per_hour", "Cost of one replica in an hour, energy included, in the currency of the configuration.", variant}
	table[variantCapacity] = Metric{"variant_replica_capacity", "What one replica carries of a signal, in the unit that the label names. A sum over signals means nothing.", with(variant, "signal", "unit")}
	table[variantCorrection] = Metric{"variant_profile_correction_ratio", "What the times of a profile with correct: true are multiplied by, from 0.9 to 1.5: above 1 replicas are slower than their profile, so that they carry less.", variant}
	table[variantStuck] = Metric{"variant_provisioning_stuck", "1 where replicas did not become ready within the variant's provision timeout, so that it is capped at those that did; 0 where they do; absent where what runs is not known.", variant}
	table[variantUp] = Metric{"variant_up", "1 where everything that the decision rests on could be trusted, else 0.", variant}
	table[variantDecision] = Metric{"variant_decision", "1 for the reason in force: demand, min, max, budget, idle (there is no demand), not_needed (none of this variant is: others are cheaper), make_before_break, stuck, rate_limit, failsafe or hold.", with(variant, "reason")}
	table[modelDemand] = Metric{"variant_model_demand", "Demand as measured now, in the unit that the label names. A sum over signals means nothing.", signal}
	table[modelStabilized] = Metric{"variant_model_stabilized_demand", "Demand after the scale-down and scale-up windows.", signal}
	table[modelForecast] = Metric{"variant_model_forecast_demand", "Demand expected by the time at which a replica that is ordered now is ready; absent without a forecast or without history.", signal}
	table[modelPlanned] = Metric{"variant_model_planned_demand", "Demand that was planned for: the larger of stabilized and forecast, with headroom.", signal}
	table[modelReady] = Metric{"variant_model_ready_supply", "What the ready replicas of all variants carry, in the unit that the label names; absent where it is not known how many are ready.", signal}
	table[modelShortfall] = Metric{"variant_model_shortfall_ratio", "Share of the planned demand that the plan leaves uncarried, of the signal for which it is largest.", []string{"model", "target_namespace"}}
	table[budgetLimit] = Metric{"variant_budget_limit", "Limit of a budget, in the unit that the label names.", []string{"budget", "unit"}}
	table[budgetUsed] = Metric{"variant_budget_used", "What the plan uses of a budget.", []string{"budget", "unit"}}
	table[queryUp] = Metric{"variant_exporter_query_up", "1 where the last query of an input had a usable answer, an empty one included, else 0.", []string{"input"}}
	table[queryDuration] = Metric{"variant_exporter_query_duration_seconds", "How long the query of an input took.", []string{"input"}}
	table[queryAge] = Metric{"variant_exporter_query_age_seconds", "Age of what the answer to an input rests on: of its selectors that select anything, the one whose newest sample is oldest.", []string{"input"}}
	table[querySeries] = Metric{"variant_exporter_query_series", "Series in the answer to an input.", []string{"input"}}
	table[queryMatched] = Metric{"variant_exporter_query_matched_series", "Series in the answer to an input whose labels fit a configured model, variant or scale target.", []string{"input"}}
	table[queryFailure] = Metric{"variant_exporter_query_failure", "1 for the reason why an input has no usable answer; absent while it has one.", []string{"input", "reason"}}
	table[queryBadSamples] = Metric{"variant_exporter_query_bad_samples", "Series in the answer to an input that could not be used: nan, inf, negative, range, histogram, duplicate or labels.", []string{"input", "reason"}}
	table[evaluationDuration] = Metric{"variant_exporter_evaluation_duration_seconds", "How long the evaluation behind these series took.", nil}
	table[evaluationTime] = Metric{"variant_exporter_evaluation_timestamp_seconds", "Unix time for which every input was asked.", nil}
	table[optimalityGap] = Metric{"variant_exporter_optimality_gap_ratio", "By how much a cheaper plan could at most be cheaper: 0 where the plan is proven to be the cheapest.", nil}
	table[shortfallGap] = Metric{"variant_exporter_shortfall_gap_ratio", "By how much a better plan could at most lower a shortfall: 0 where that is proven to be impossible.", nil}
	table[planCost] = Metric{"variant_exporter_plan_cost_per_hour", "Cost of the plan in an hour, in the currency of the configuration.", nil}
	return table
}
