// Package optimizer plans how many replicas of every variant to run: the
// cheapest whole numbers that carry the demand within shared budgets.
//
// It is pure: no I/O, no clock, no randomness, and nothing but the standard
// library.
package optimizer
