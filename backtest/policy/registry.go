package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Product is the name of the program's own policy. It needs a configuration and is made by the caller of this package.
const Product = "variant_exporter"

// makers are the policies that need nothing but a setup.
func makers() map[string]func(Setup) Policy {
	return map[string]func(Setup) Policy{
		"static":         newStatic,
		"hpa-queue":      newHPAQueue,
		"keda-queue":     newKEDAQueue,
		"knative":        newKnative,
		"wva-saturation": newSaturation,
		"wva-tokens":     newTokens,
		"rate-last":      newRateLast,
		"oracle":         newOracle,
		"oracle-delayed": newOracleDelayed,
		"oracle-noise":   newOracleNoise,
	}
}

// Names lists the policies that New makes, sorted.
func Names() []string { return slices.Sorted(maps.Keys(makers())) }

// New makes a policy by its name.
func New(name string, s Setup) (Policy, error) {
	maker, ok := makers()[name]
	if !ok {
		return nil, fmt.Errorf("unknown policy %q; there are %s", name, strings.Join(append(Names(), Product), ", "))
	}
	return maker(s), nil
}
