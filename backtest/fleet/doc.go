// Package fleet simulates a small fleet of LLM model servers: replicas that batch continuously, the inference gateway in front
// of them, the Deployments they belong to and a stand-in for the HorizontalPodAutoscaler.
//
// The simulation knows no wall clock and no network. A [Fleet] is advanced to a time that the caller names, and everything
// random in it comes from the generator that the caller passes in, so that equal seeds and equal decisions give equal runs.
// [Runner] ties a fleet to real time and to HTTP: it serves the exposition of vLLM, of llm-d's endpoint picker (EPP) and of
// kube-state-metrics, with the names and labels of the real ones.
//
// # Physics
//
// With n requests of i input and o output tokens in service, one iteration of a server takes
//
//	T(n) = alpha + n (beta (i+o)/(o+1) + gamma (i + o/2))
//
// a prefill T(n) + (beta+gamma) i and each output token T(n) + beta + gamma (i + o/2), so that it completes
// n / (prefill(n) + o decode(n)) requests per second. This is the queueing model of llm-d's workload variant autoscaler.
// Requests join the batch in the order of their arrival while it has room (max_batch) and the key-value cache has blocks for
// their whole length; a server therefore never preempts. Prefix caching is not simulated.
package fleet
