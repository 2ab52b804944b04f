// Package faults puts an exporter between a Prometheus that fails in every way that one can and a fleet that follows the
// exporter's gauges: a schedule drawn from a seed says what goes wrong and when.
//
// A [Prometheus] answers over HTTP, and spoils those answers that it is told to. A [Network] connects the real client to it in
// process: all of it runs in the virtual time of testing/synctest.
package faults
