// Package engines runs one scene through every engine of PromQL that can be built here, and checks that the exporter makes the same of
// each, and that a store that is lost never lowers a gauge. It has no code but tests. `make engines` builds the engines and runs it;
// docs/engines.md has what follows.
package engines
