package discover

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
)

// devices are the resources of accelerators, as kube-state-metrics writes them.
const devices = `nvidia_com_.+|amd_com_gpu|google_com_tpu|habana_ai_gaudi|gpu_intel_com_.+|aws_amazon_com_neuron.*|huawei_com_.+`

// productLabels are labels of nodes that name their accelerators, the most exact first.
func productLabels() []string {
	return []string{
		"label_nvidia_com_gpu_product", "label_amd_com_gpu_product_name", "label_cloud_google_com_gke_accelerator", "label_cloud_google_com_gke_tpu_accelerator",
		"label_karpenter_k8s_aws_instance_gpu_name",
	}
}

// machines are what is known of nodes.
type machines struct {
	product     map[string]string // node -> accelerator
	from        map[string]string // node -> label that told it
	allocatable map[string]map[string]float64
	ofPod       map[place]string // pod -> node
}

// lookAtAccelerators asks which accelerators pods have, how many, and how many there are.
func (f *Fleet) lookAtAccelerators(a *asker, w *workloads) error {
	requests, err := a.ask("accelerators of pods", w.by("resource", fmt.Sprintf("sum by (%s, %s, pod, resource) (%s)", w.ns, w.pod,
		seen(fmt.Sprintf("kube_pod_container_resource_requests{resource=~%q,%s}", devices, w.within)))))
	if err != nil {
		return err
	}
	nodes, err := f.lookAtNodes(a, w)
	if err != nil {
		return err
	}
	names, counts, err := lookAtDCGM(a)
	if err != nil {
		return err
	}
	taken := map[place]map[string]float64{}
	for _, x := range requests {
		at := w.member(x.Metric)
		if taken[at] == nil {
			taken[at] = map[string]float64{}
		}
		taken[at][pick(x.Metric, "resource")] = float64(x.Value)
	}
	f.variants(func(_ *Model, v *Variant) {
		v.setAccelerator(nodes, names)
		v.setUses(taken, counts)
	})
	f.setBudgets(nodes)
	return nil
}

// lookAtNodes asks what nodes have, and where pods ran.
func (f *Fleet) lookAtNodes(a *asker, w *workloads) (*machines, error) {
	n := &machines{map[string]string{}, map[string]string{}, map[string]map[string]float64{}, map[place]string{}}
	pods, err := a.ask("nodes of pods", w.by("node, exported_node", seen("kube_pod_info{"+w.within+"}")))
	if err != nil {
		return nil, err
	}
	for _, x := range pods {
		n.ofPod[w.member(x.Metric)] = node(x.Metric)
	}
	labels, err := a.ask("labels of nodes", "group by (node, exported_node, "+strings.Join(productLabels(), ", ")+") ("+seen("kube_node_labels")+")")
	if err != nil {
		return nil, err
	}
	for _, x := range labels {
		for _, label := range productLabels() {
			if product := pick(x.Metric, label); product != "" && n.product[node(x.Metric)] == "" {
				n.product[node(x.Metric)], n.from[node(x.Metric)] = product, label
			}
		}
	}
	allocatable, err := a.ask("accelerators of nodes", fmt.Sprintf("max by (node, exported_node, resource) (kube_node_status_allocatable{resource=~%q})", devices))
	if err != nil {
		return nil, err
	}
	for _, x := range allocatable {
		if n.allocatable[node(x.Metric)] == nil {
			n.allocatable[node(x.Metric)] = map[string]float64{}
		}
		n.allocatable[node(x.Metric)][pick(x.Metric, "resource")] = float64(x.Value)
	}
	return n, nil
}

func node(m model.Metric) string { return pick(m, "exported_node", "node") }

// lookAtDCGM asks NVIDIA's exporter for the names and numbers of the GPUs of pods.
func lookAtDCGM(a *asker) (names map[place]string, counts map[place]float64, err error) {
	const labels = "modelName, namespace, exported_namespace, pod, exported_pod"
	answer, err := a.ask("GPUs by DCGM", fmt.Sprintf("count by (%s) (group by (UUID, %s) (%s))", labels, labels,
		anyOf([]string{"DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_POWER_USAGE"}, "")))
	if err != nil {
		return nil, nil, err
	}
	names, counts = map[place]string{}, map[place]float64{}
	for _, x := range answer {
		at := place{pick(x.Metric, "exported_namespace", "namespace"), pick(x.Metric, "exported_pod", "pod")}
		names[at] = pick(x.Metric, "modelName")
		counts[at] += float64(x.Value)
	}
	return names, counts, nil
}

// setAccelerator names the accelerator on which most pods of a variant ran.
func (v *Variant) setAccelerator(nodes *machines, dcgm map[place]string) {
	seen, from := map[string]int{}, map[string]string{}
	for pod := range v.work.group {
		at := place{v.work.namespace, pod}
		name, source := dcgm[at], "modelName of DCGM's series"
		if name == "" {
			name, source = nodes.product[nodes.ofPod[at]], "node label "+strings.TrimPrefix(nodes.from[nodes.ofPod[at]], "label_")
		}
		if name != "" {
			seen[shortName(name)]++
			from[shortName(name)] = source
		}
	}
	names := slices.SortedFunc(maps.Keys(seen), func(x, y string) int { return cmp.Or(seen[y]-seen[x], cmp.Compare(x, y)) })
	if len(names) == 0 {
		return
	}
	v.Accelerator = Value{Text: names[0], From: from[names[0]]}
	if len(names) > 1 {
		v.Accelerator.ToDo = "its pods also ran on " + strings.Join(names[1:], ", ") + ", which should be variants of their own"
	}
}

// setUses says how many accelerators a replica takes: of all pods of a replica, the largest sum that was seen.
func (v *Variant) setUses(taken map[place]map[string]float64, dcgm map[place]float64) {
	replicas, told := map[string]map[string]float64{}, map[string]float64{}
	for pod := range v.work.group {
		at, replica := place{v.work.namespace, pod}, v.work.replicaOf(pod)
		for resource, n := range taken[at] {
			if replicas[resource] == nil {
				replicas[resource] = map[string]float64{}
			}
			replicas[resource][replica] += n
		}
		told[replica] += dcgm[at]
	}
	for _, resource := range slices.Sorted(maps.Keys(replicas)) {
		if n := most(replicas[resource]); n > 0 {
			v.Uses = Value{Text: number(n), From: "requests of the pods of a replica (kube_pod_container_resource_requests)"}
			v.Budget = budgetName(v.Accelerator.Text, resource)
			return
		}
	}
	if n := most(told); n > 0 {
		v.Uses = Value{Text: number(n), From: "GPUs of the pods of a replica, by DCGM"}
		v.Budget = budgetName(v.Accelerator.Text, "nvidia_com_gpu")
	}
}

func most[K comparable](of map[K]float64) float64 {
	largest := 0.0
	for _, n := range of {
		largest = max(largest, n)
	}
	return largest
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// budgetName names the budget of an accelerator, or where none is known that of a resource.
func budgetName(accelerator, resource string) string {
	name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(cmp.Or(accelerator, resource)), "_"), "_")
	if name[0] >= '0' && name[0] <= '9' {
		name = "x" + name
	}
	return name
}

// setBudgets limits what variants use to what nodes have.
func (f *Fleet) setBudgets(nodes *machines) {
	limits, on := map[string]float64{}, map[string]int{}
	for name, resources := range nodes.allocatable {
		for resource, n := range resources {
			budget := budgetName(shortName(nodes.product[name]), resource)
			limits[budget] += n
			on[budget]++
		}
	}
	used := map[string]bool{}
	f.variants(func(_ *Model, v *Variant) {
		if limits[v.Budget] == 0 {
			v.Budget = "" // Nothing is known of how many there are.
			return
		}
		used[v.Budget] = true
	})
	for _, name := range slices.Sorted(maps.Keys(used)) {
		f.Budgets = append(f.Budgets, Budget{name, Value{
			Text: number(limits[name]), From: fmt.Sprintf("allocatable on %s now (kube_node_status_allocatable); more where a cluster autoscaler adds nodes", many(on[name], "node")),
		}})
	}
}

func many(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
