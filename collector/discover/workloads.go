package discover

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// workload is what an autoscaler would scale, with the servers it runs.
type workload struct {
	place
	kind    string
	guessed bool // from the names of pods
	server  *server
	model   string
	pods    map[string]bool // that tell
	group   map[string]bool // all, also those that do not tell
	labels  map[string]bool // values of the label that names a variant
	role    string
}

// workloads are those of a fleet, and which pod is of which.
type workloads struct {
	all    []*workload
	ofPod  map[place]*workload
	within string // a matcher of their namespaces, for kube-state-metrics
	ns     string // kube-state-metrics' label for the namespace
	pod    string // and for the pod
}

// member is the pod that a series of kube-state-metrics is about.
func (w *workloads) member(m model.Metric) place { return place{pick(m, w.ns), pick(m, w.pod, "pod")} }

// by groups series of kube-state-metrics by the pod that they are about, and more.
func (w *workloads) by(more, expr string) string {
	labels := []string{w.ns, w.pod, more}
	if w.pod != "pod" {
		labels = append(labels, "pod")
	}
	return fmt.Sprintf("max by (%s) (%s)", strings.Join(slices.DeleteFunc(labels, func(l string) bool { return l == "" }), ", "), expr)
}

// findWorkloads asks who owns the pods.
func (f *Fleet) findWorkloads(a *asker, servers []found) (*workloads, error) {
	names := map[string]bool{}
	for _, s := range servers {
		names[regexp.QuoteMeta(s.at.namespace)] = true // A source can tell anything.
	}
	namespaces := strings.Join(slices.Sorted(maps.Keys(names)), "|")
	w := &workloads{ofPod: map[place]*workload{}, ns: "namespace", pod: "pod"}
	moved, err := a.ask("kube-state-metrics", fmt.Sprintf(`count(kube_pod_owner{exported_namespace=~%q})`, namespaces))
	if err != nil {
		return nil, err
	}
	if len(moved) > 0 {
		w.ns, w.pod = "exported_namespace", "exported_pod"
	}
	w.within = fmt.Sprintf(`%s=~%q`, w.ns, namespaces)
	owners, err := f.findOwners(a, w)
	if err != nil {
		return nil, err
	}
	f.KubeNS = w.ns
	if len(owners) == 0 {
		if err := f.withoutOwners(a, w, namespaces); err != nil {
			return nil, err
		}
	}
	w.assign(servers, owners)
	return w, f.readPodLabels(a, w)
}

// withoutOwners finds out whether replicas are told where nothing says who owns the pods: not all of kube-state-metrics may be stored.
func (f *Fleet) withoutOwners(a *asker, w *workloads, namespaces string) error {
	for _, label := range []string{"namespace", "exported_namespace"} {
		within := fmt.Sprintf(`%s=~%q`, label, namespaces)
		told, err := a.ask("replicas of workloads", fmt.Sprintf("count(kube_deployment_spec_replicas{%[1]s} or kube_statefulset_replicas{%[1]s})", within))
		if err != nil {
			return err
		}
		if len(told) > 0 {
			f.KubeNS, w.ns, w.within = label, label, within
			f.note("TODO: kube-state-metrics shows replicas, and not who owns the pods (kube_pod_owner, kube_replicaset_owner): which workloads serve is a guess " +
				"from the names of pods. Let Prometheus keep these series (--metric-allowlist, metricRelabelings), and run init again")
			return nil
		}
	}
	f.KubeNS = ""
	if why, sure, err := notScraped(a); err != nil || sure && why != "" {
		return cmp.Or(err, errors.New("kube-state-metrics shows no pod and no replicas in these namespaces, and "+why))
	}
	f.note("TODO: kube-state-metrics shows no pod and no replicas in these namespaces, so scale_targets is disabled: replicas, their starts and their " +
		"accelerators are unknown, and no guard looks at them. Install it, and run init again")
	return nil
}

// readPodLabels asks for the roles of pods, and for the LeaderWorkerSets of one pod a group, which owners do not tell.
func (f *Fleet) readPodLabels(a *asker, w *workloads) error {
	labels, err := a.ask("labels of pods", w.by("label_leaderworkerset_sigs_k8s_io_name, label_llm_d_ai_role", seen("kube_pod_labels{"+w.within+"}")))
	if err != nil {
		return err
	}
	for _, x := range labels {
		of := w.ofPod[w.member(x.Metric)]
		if of == nil {
			continue
		}
		of.role = cmp.Or(of.role, pick(x.Metric, "label_llm_d_ai_role"))
		if pick(x.Metric, "label_leaderworkerset_sigs_k8s_io_name") == of.name {
			of.kind = string(config.KindLeaderWorkerSet)
		}
	}
	return nil
}

// owner is the kind and name of what controls a pod.
type owner struct{ kind, name string }

// findOwners asks for the owners of pods, with ReplicaSets replaced by theirs, and the StatefulSets of a LeaderWorkerSet by it.
func (f *Fleet) findOwners(a *asker, w *workloads) (map[place]owner, error) {
	pods, err := a.ask("owners of pods", w.by("owner_kind, owner_name", seen(`kube_pod_owner{owner_is_controller="true",`+w.within+`}`)))
	if err != nil {
		return nil, err
	}
	sets, err := a.ask("owners of ReplicaSets", fmt.Sprintf("max by (%s, replicaset, owner_kind, owner_name) (%s)", w.ns,
		seen(`kube_replicaset_owner{owner_is_controller="true",`+w.within+`}`)))
	if err != nil {
		return nil, err
	}
	ofSet := map[place]owner{}
	for _, x := range sets {
		ofSet[place{pick(x.Metric, w.ns), pick(x.Metric, "replicaset")}] = owner{pick(x.Metric, "owner_kind"), pick(x.Metric, "owner_name")}
	}
	owners := map[place]owner{}
	for _, x := range pods {
		at, o := w.member(x.Metric), owner{pick(x.Metric, "owner_kind"), pick(x.Metric, "owner_name")}
		if above, ok := ofSet[place{at.namespace, o.name}]; ok && o.kind == "ReplicaSet" {
			o = above
		}
		owners[at] = o
	}
	joinGroups(owners)
	return owners, nil
}

var ordinal = regexp.MustCompile(`^(.+)-[0-9]+$`)

// joinGroups finds LeaderWorkerSets: StatefulSets NAME whose pod NAME-0 has a StatefulSet NAME-0 of workers. kube-state-metrics does not
// tell who owns a StatefulSet.
func joinGroups(owners map[place]owner) {
	led := map[place]bool{}
	for at, o := range owners {
		m := ordinal.FindStringSubmatch(o.name)
		if m == nil || o.kind != string(config.KindStatefulSet) {
			continue
		}
		if owners[place{at.namespace, o.name}] == (owner{string(config.KindStatefulSet), m[1]}) {
			led[place{at.namespace, m[1]}] = true
		}
	}
	for at, o := range owners {
		m := ordinal.FindStringSubmatch(o.name)
		switch {
		case o.kind != string(config.KindStatefulSet):
		case led[place{at.namespace, o.name}]:
			owners[at] = owner{string(config.KindLeaderWorkerSet), o.name}
		case m != nil && led[place{at.namespace, m[1]}]:
			owners[at] = owner{string(config.KindLeaderWorkerSet), m[1]}
		}
	}
}

// assign makes workloads of the pods that tell, and adds to them the other pods of the same owners.
func (w *workloads) assign(servers []found, owners map[place]owner) {
	type key struct {
		place
		owner
		model string
	}
	known, owned := map[key]*workload{}, map[place]map[owner]*workload{}
	for _, s := range servers {
		o, ok := owners[s.at]
		if !ok {
			o = guess(s.at.name)
		}
		k := key{place{namespace: s.at.namespace}, o, s.model}
		of := known[k]
		if of == nil {
			of = &workload{
				place: place{s.at.namespace, o.name}, kind: o.kind, guessed: !ok, server: s.server, model: s.model,
				pods: map[string]bool{}, group: map[string]bool{}, labels: map[string]bool{},
			}
			known[k] = of
			w.all = append(w.all, of)
			if owned[k.place] == nil {
				owned[k.place] = map[owner]*workload{}
			}
			owned[k.place][o] = of
		}
		of.pods[s.at.name], of.group[s.at.name] = true, true
		if s.variant != "" {
			of.labels[s.variant] = true
		}
		w.ofPod[s.at] = of
	}
	for at, o := range owners {
		if of := owned[place{namespace: at.namespace}][o]; of != nil && w.ofPod[at] == nil {
			of.group[at.name] = true
			w.ofPod[at] = of
		}
	}
	slices.SortFunc(w.all, func(x, y *workload) int {
		return cmp.Or(cmp.Compare(x.namespace, y.namespace), cmp.Compare(x.model, y.model), cmp.Compare(x.name, y.name), cmp.Compare(x.kind, y.kind))
	})
}

var (
	ofDeployment = regexp.MustCompile(`^(.+)-[a-z0-9]{1,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$`)
	ofReplicaSet = regexp.MustCompile(`^(.+)-[bcdfghjklmnpqrstvwxz2456789]{5}$`)
)

// guess is the workload that a pod's name speaks of.
func guess(pod string) owner {
	for _, re := range []*regexp.Regexp{ofDeployment, ordinal, ofReplicaSet} {
		if m := re.FindStringSubmatch(pod); m != nil && re == ordinal {
			return owner{string(config.KindStatefulSet), m[1]}
		} else if m != nil {
			return owner{string(config.KindDeployment), m[1]}
		}
	}
	return owner{string(config.KindDeployment), pod}
}

// replicaOf names the replica that a pod is part of: a group of a LeaderWorkerSet, or the pod.
func (of *workload) replicaOf(pod string) string {
	rest, ok := strings.CutPrefix(pod, of.name+"-")
	if of.kind != string(config.KindLeaderWorkerSet) || !ok {
		return pod
	}
	index, _, _ := strings.Cut(rest, "-")
	return index
}
