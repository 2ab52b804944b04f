//go:build !race

package collector_test

// underRace says that the race detector slows everything down.
const underRace = false
