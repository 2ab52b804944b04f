// Package scenarios is a library of scenarios for backtest: what goes wrong in life, with what a good autoscaler makes of it. Its test
// runs them all.
package scenarios
