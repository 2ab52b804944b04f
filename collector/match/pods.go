package match

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// Kubernetes names the pods of a Deployment NAME-HASH-SUFFIX, where hash and suffix are of an alphabet without vowels; those of
// a StatefulSet NAME-ORDINAL; those of a LeaderWorkerSet NAME-GROUP for the leader and NAME-GROUP-WORKER for the others.
// A generated name is cut to 58 characters before its suffix of 5.
const (
	safeAlphabet    = "bcdfghjklmnpqrstvwxz2456789"
	suffixLength    = 5
	maxHashLength   = 10
	generatedLength = 58
)

// podTarget names the workload that a pod may belong to.
type podTarget struct {
	namespace, name string
	kind            config.TargetKind
}

func (t podTarget) String() string { return t.namespace + "/" + string(t.kind) + "/" + t.name }

// podOwners finds the variant of a pod by the pod's name.
type podOwners struct {
	byTarget map[podTarget][]int // with an empty namespace, those of all namespaces
	byRegexp prefixIndex
	long     []podRegexp // Deployments whose pods' names may be cut
}

type podRegexp struct {
	namespace string
	re        *regexp.Regexp
	variant   int
}

func newPodOwners(p *query.Program) *podOwners {
	o := &podOwners{byTarget: map[podTarget][]int{}}
	var own []podRegexp
	for i, v := range p.Variants {
		namespace := v.Model.Namespace
		if v.Pods.Regexp != nil {
			own = append(own, podRegexp{namespace, v.Pods.Regexp, i})
			continue
		}
		for _, in := range []string{namespace, ""} {
			target := podTarget{in, v.ScaleTarget.Name, v.ScaleTarget.Kind}
			o.byTarget[target] = append(o.byTarget[target], i)
		}
		if v.ScaleTarget.Kind == config.KindDeployment && len(v.ScaleTarget.Name)+maxHashLength+2 > generatedLength {
			o.long = append(o.long, podRegexp{namespace, cutName(v.ScaleTarget.Name), i})
		}
	}
	o.byRegexp = newPrefixIndex(own)
	return o
}

// cutName matches the names of pods of a Deployment whose own name is so long that Kubernetes cuts theirs.
func cutName(name string) *regexp.Regexp {
	cut := name + "-"
	rest := generatedLength - len(cut)
	if rest < 0 {
		cut, rest = cut[:generatedLength], 0
	}
	return regexp.MustCompile(`^` + regexp.QuoteMeta(cut) + `[-` + safeAlphabet + `]{` + strconv.Itoa(rest) + `}[` + safeAlphabet + `]{5}$`)
}

// variants returns the variants that a pod may belong to by its name.
func (o *podOwners) variants(namespace, pod string) []int {
	var found []int
	o.byRegexp.candidates(pod, func(r podRegexp) {
		if (namespace == "" || r.namespace == namespace) && r.re.MatchString(pod) {
			found = append(found, r.variant)
		}
	})
	for _, t := range targetsOf(pod) {
		t.namespace = namespace
		found = append(found, o.byTarget[t]...)
	}
	if len(found) == 0 && len(pod) == generatedLength+suffixLength {
		for _, r := range o.long {
			if (namespace == "" || r.namespace == namespace) && r.re.MatchString(pod) {
				found = append(found, r.variant)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// targetsOf lists the workloads that a pod may belong to by its name.
func targetsOf(pod string) []podTarget {
	rest, last, ok := cutLast(pod)
	if !ok {
		return nil
	}
	var targets []podTarget
	if isOrdinal(last) {
		targets = append(targets, podTarget{name: rest, kind: config.KindStatefulSet}, podTarget{name: rest, kind: config.KindLeaderWorkerSet})
	}
	name, middle, ok := cutLast(rest)
	if !ok {
		return targets
	}
	if isOrdinal(last) && isOrdinal(middle) {
		targets = append(targets, podTarget{name: name, kind: config.KindLeaderWorkerSet})
	}
	if len(last) == suffixLength && isSafe(last) && len(middle) <= maxHashLength && isSafe(middle) {
		targets = append(targets, podTarget{name: name, kind: config.KindDeployment})
	}
	return targets
}

func cutLast(name string) (rest, last string, ok bool) {
	i := strings.LastIndexByte(name, '-')
	if i <= 0 || i == len(name)-1 {
		return "", "", false
	}
	return name[:i], name[i+1:], true
}

func isOrdinal(s string) bool { return strings.Trim(s, "0123456789") == "" }

func isSafe(s string) bool { return strings.Trim(s, safeAlphabet) == "" }
