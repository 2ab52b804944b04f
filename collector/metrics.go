package collector

import (
	"slices"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// Metric describes one of the series that an evaluation yields. All are gauges.
type Metric struct {
	Name   string
	Help   string
	Labels []string
}

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
	modelSources
	modelExpectedSources
	modelOtherSources
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
	table[desiredReplicas] = Metric{"variant_desired_replicas", "Replicas to scale to: the plan after the guards. Absent if it cannot be trusted.", variant}
	table[plannedReplicas] = Metric{"variant_planned_replicas", "Replicas of the cheapest plan that serves the demand, before the guards.", variant}
	table[currentReplicas] = Metric{"variant_current_replicas", "Replicas that the scale target asks for now.", variant}
	table[readyReplicas] = Metric{"variant_ready_replicas", "Replicas of the scale target that are ready now.", variant}
	table[variantInfo] = Metric{"variant_info", "Information about a variant. The value is always 1.", with(variant, "accelerator", "role", "scale_target_kind", "scale_target_name")}
	table[variantCost] = Metric{"variant_replica_cost_per_hour", "Cost of one replica per hour, energy included, in the currency of the configuration.", variant}
	table[variantCapacity] = Metric{"variant_replica_capacity", "What one replica can serve of a signal, in the unit of the label unit. Do not add up different signals.", with(variant, "signal", "unit")}
	table[variantCorrection] = Metric{"variant_profile_correction_ratio", "Factor on the times of a profile, or divisor of a capacity, by what replicas show, from 0.9 to 1.5. Above 1 replicas are slower than believed.", variant}
	table[variantStuck] = Metric{"variant_provisioning_stuck", "Whether replicas did not become ready within the provision timeout (1) or did (0). A stuck variant is capped at its ready replicas. Absent if its replicas are not known.", variant}
	table[variantUp] = Metric{"variant_up", "Whether all inputs of this variant's decision are valid (1) or not (0).", variant}
	table[variantDecision] = Metric{"variant_decision", "The reason of the decision: " + anyOf(optimizer.Reasons()) + ". The value is always 1.", with(variant, "reason")}
	table[modelDemand] = Metric{"variant_model_demand", "Demand as measured now, in the unit of the label unit. Do not add up different signals.", signal}
	table[modelStabilized] = Metric{"variant_model_stabilized_demand", "Demand after the scale-down and scale-up windows.", signal}
	table[modelForecast] = Metric{"variant_model_forecast_demand", "Demand expected at the time when a replica that is ordered now becomes ready. Absent without a forecast or without history.", signal}
	table[modelPlanned] = Metric{"variant_model_planned_demand", "Demand that was planned for: the larger of stabilized and forecast demand, with headroom.", signal}
	table[modelReady] = Metric{"variant_model_ready_supply", "What the ready replicas of all variants can serve, in the unit of the label unit. Absent if the ready replicas are not known.", signal}
	table[modelSources] = Metric{"variant_model_sources", "Pods that tell a signal of a model now, or gateway pods; 0 where all are silent. Absent where nothing can witness the signal, or the question fails.", signal}
	table[modelExpectedSources] = Metric{"variant_model_expected_sources", "Pods that should tell a signal of a model now: its ready replicas, or the gateway pods that told it during the window. While fewer tell it, no replica is removed.", signal}
	table[modelOtherSources] = Metric{"variant_model_other_sources", "Servers that tell a signal of a model now and belong to none of its scale targets by the names of their pods. Their demand counts, and nothing is known of their capacity. Absent for signals of a gateway.", signal}
	table[modelShortfall] = Metric{"variant_model_shortfall_ratio", "Share of the planned demand that the plan leaves unserved, for the signal where it is largest.", []string{"model", "target_namespace"}}
	table[budgetLimit] = Metric{"variant_budget_limit", "Limit of a budget, in the unit of the label unit.", []string{"budget", "unit"}}
	table[budgetUsed] = Metric{"variant_budget_used", "What the plan uses of a budget.", []string{"budget", "unit"}}
	table[queryUp] = Metric{"variant_exporter_query_up", "Whether the input's last query succeeded (1), including empty results, or failed (0).", []string{"input"}}
	table[queryDuration] = Metric{"variant_exporter_query_duration_seconds", "Duration of the input's last query.", []string{"input"}}
	table[queryAge] = Metric{"variant_exporter_query_age_seconds", "Age of the newest sample behind the input's answer. If the input has several selectors, the oldest of their newest samples counts.", []string{"input"}}
	table[querySeries] = Metric{"variant_exporter_query_series", "Series in the input's answer.", []string{"input"}}
	table[queryMatched] = Metric{"variant_exporter_query_matched_series", "Series in the input's answer that belong to a configured model, variant or scale target.", []string{"input"}}
	table[queryFailure] = Metric{"variant_exporter_query_failure", "The reason why the input has no usable answer: " + anyOf(promapi.Reasons()) + ". The value is always 1. Absent while it has one.", []string{"input", "reason"}}
	table[queryBadSamples] = Metric{"variant_exporter_query_bad_samples", "Series in the input's answer that cannot be used, by reason: nan, inf, negative, range, histogram, duplicate, rule or labels.", []string{"input", "reason"}}
	table[evaluationDuration] = Metric{"variant_exporter_evaluation_duration_seconds", "Duration of the evaluation that made these series.", nil}
	table[evaluationTime] = Metric{"variant_exporter_evaluation_timestamp_seconds", "Unix time of the evaluation: the time for which every input was queried.", nil}
	table[optimalityGap] = Metric{"variant_exporter_optimality_gap_ratio", "Upper bound on the relative saving of a better plan; 0 if proven optimal.", nil}
	table[shortfallGap] = Metric{"variant_exporter_shortfall_gap_ratio", "Upper bound on how much a better plan could lower a shortfall; 0 if proven optimal.", nil}
	table[planCost] = Metric{"variant_exporter_plan_cost_per_hour", "Cost of the plan per hour, in the currency of the configuration.", nil}
	return table
}

// anyOf lists words: a, b or c.
func anyOf[T ~string](words []T) string {
	var all []string
	for _, w := range words {
		all = append(all, string(w))
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}
