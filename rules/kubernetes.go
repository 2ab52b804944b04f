package rules

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Kubernetes is a version of Kubernetes that manifests are for. The zero value is one that is not known, for which all that is needed is
// generated, and said.
type Kubernetes struct{ Major, Minor int }

var version = regexp.MustCompile(`^v?([0-9]{1,3})\.([0-9]{1,3})(?:[.+-].*)?$`)

// ParseKubernetes reads a version as kubectl version prints it, such as v1.34.2 or 1.34.
func ParseKubernetes(text string) (Kubernetes, error) {
	m := version.FindStringSubmatch(text)
	if m == nil {
		return Kubernetes{}, fmt.Errorf("%q is not a version of Kubernetes: write it like 1.34, as kubectl version prints it", text)
	}
	major, _ := strconv.Atoi(m[1]) // digits, by the pattern
	minor, _ := strconv.Atoi(m[2])
	return Kubernetes{major, minor}, nil
}

// Since which version the API server takes what is generated.
const (
	toleranceKnown   = 33 // behind a feature gate
	toleranceServed  = 35
	toZeroServed     = 37
	toleranceGate    = "HPAConfigurableTolerance"
	toZeroGate       = "HPAScaleToZero"
	toleranceCluster = "--horizontal-pod-autoscaler-tolerance=0"
)

func (k Kubernetes) known() bool { return k != Kubernetes{} }

// before reports whether a known version is older than 1.MINOR.
func (k Kubernetes) before(minor int) bool {
	return k.known() && (k.Major < 1 || k.Major == 1 && k.Minor < minor)
}

func (k Kubernetes) String() string { return fmt.Sprintf("%d.%d", k.Major, k.Minor) }

// noteTolerance says what a version makes of tolerance: what is lost, and what works.
func (m *Manifest) noteTolerance(k Kubernetes) {
	const lost = "an HPA ignores changes within 10 %: from 10 replicas on one more or less, from 20 on two."
	switch {
	case !k.known():
		m.warn("tolerance needs Kubernetes 1.35.")
	case k.before(toleranceKnown):
		m.warn("Kubernetes "+k.String()+" has no tolerance, so it is left out: "+lost,
			"What works: kube-controller-manager with "+toleranceCluster+", which is for all HPAs; or variants that stay below 10 replicas.")
	case k.before(toleranceServed):
		m.warn("Kubernetes "+k.String()+" keeps tolerance only with the feature gate "+toleranceGate+". Without it: "+lost,
			"What works without it: kube-controller-manager with "+toleranceCluster+", which is for all HPAs.")
	}
}

// noteToZero says what a version makes of HPAs that may go to zero, and which of them may not.
func (m *Manifest) noteToZero(k Kubernetes, all []target) {
	const wakes = "An HPA wakes only what it put to zero itself. Scale what is at zero to one before: variant_exporter generate start prints how."
	if k.before(toZeroServed) {
		var names []string
		for i := range all {
			if all[i].least == 0 {
				names = append(names, all[i].Name)
			}
		}
		m.warn("An HPA of Kubernetes "+k.String()+" cannot scale to zero, so minReplicas is 1: a replica of each of these stays, also where the plan says 0: "+strings.Join(names, ", "),
			"What works: KEDA (generate keda); or the feature gate "+toZeroGate+"; or replicas: {min: 1} for these variants: the plan then counts on it.")
		return
	}
	if !k.known() {
		m.warn("minReplicas: 0 needs Kubernetes 1.37. Before that, use KEDA, or give these variants a replicas.min of 1.")
	}
	m.warn(wakes)
}

// leastOf is the minimum that an HPA of a version can have.
func (k Kubernetes) leastOf(t *target) int {
	if k.before(toZeroServed) {
		return max(t.least, 1)
	}
	return t.least
}
