// Package pods gives every ready pod of a model a process: what would run in its container.
package pods

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/cluster"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/load"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/process"
)

// Labels of pods: the pool and the variant that they belong to.
const (
	PoolLabel    = "e2e/pool"
	VariantLabel = "llm-d.ai/variant"
)

// port of every model server.
const port = ":8000"

// linger is how long Prometheus is told of a pod that has gone, as it is in a cluster: it finds nobody there, and takes the series for
// gone too.
const linger = 2500 * time.Millisecond

// Options say what pods run.
type Options struct {
	// Program is where the model server is.
	Program string
	Group   *process.Group
	// Slots is how many requests a pod serves at once, by its variant.
	Slots map[string]int
	// Pools are what pods belong to, by the value of PoolLabel.
	Pools map[string]*load.Pool
}

// Servers runs a model server for each ready pod, and tells the pool of it once it answers.
type Servers struct {
	Options

	mu      sync.Mutex
	running map[string]*process.Process // by namespace and name of the pod
	targets map[string]*corev1.Pod      // what Prometheus is told of, likewise
	wait    sync.WaitGroup
}

// Start watches the pods of a cluster until the context ends.
func Start(ctx context.Context, client kubernetes.Interface, o Options) (*Servers, error) {
	s := &Servers{Options: o, running: map[string]*process.Process{}, targets: map[string]*corev1.Pod{}}
	factory := informers.NewSharedInformerFactory(client, 0)
	informer := factory.Core().V1().Pods().Informer()
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { s.update(ctx, object) },
		UpdateFunc: func(_, object any) { s.update(ctx, object) },
		DeleteFunc: func(object any) { s.remove(object) },
	}); err != nil {
		return nil, fmt.Errorf("watch pods: %w", err)
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return nil, errors.New("watch pods: " + context.Cause(ctx).Error())
	}
	return s, nil
}

func key(pod *corev1.Pod) string { return pod.Namespace + "/" + pod.Name }

func (s *Servers) update(ctx context.Context, object any) {
	pod, ok := object.(*corev1.Pod)
	if !ok || pod.DeletionTimestamp != nil || !ready(pod) {
		return
	}
	pool := s.Pools[pod.Labels[PoolLabel]]
	if pool == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.running[key(pod)]; ok {
		return
	}
	address := pod.Status.PodIP + port
	p, err := s.Group.Start(process.Command{Name: "modelserver", Path: s.Program, Args: []string{
		"-listen=" + address, "-model=" + pool.Model(), "-slots=" + strconv.Itoa(s.Slots[pod.Labels[VariantLabel]]),
	}})
	if err != nil {
		return // its pod is then one that does not answer
	}
	s.running[key(pod)] = p
	s.targets[key(pod)] = pod
	s.wait.Go(func() {
		if err := cluster.Eventually(ctx, "the model server answers", time.Minute, func(ctx context.Context) error {
			if p.Err() != nil {
				return nil //nolint:nilerr // Nothing waits for one that has ended.
			}
			return cluster.Answers("http://" + address + "/health")(ctx)
		}); err == nil {
			s.announce(pod, pool, "http://"+address)
		}
	})
}

// announce adds a server to its pool, unless its pod has gone meanwhile.
func (s *Servers) announce(pod *corev1.Pod, pool *load.Pool, url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.running[key(pod)]; ok && p.Err() == nil {
		pool.Add(key(pod), url, s.Slots[pod.Labels[VariantLabel]])
	}
}

func (s *Servers) remove(object any) {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.running[key(pod)]
	if !ok {
		return
	}
	delete(s.running, key(pod))
	s.Pools[pod.Labels[PoolLabel]].Remove(key(pod))
	s.wait.Go(func() {
		p.Stop()
		time.Sleep(linger)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.targets, key(pod))
	})
}

// Count returns how many model servers run.
func (s *Servers) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	running := 0
	for _, p := range s.running {
		if p.Err() == nil {
			running++
		}
	}
	return running
}

// Wait waits until nothing is being started or stopped any more.
func (s *Servers) Wait() { s.wait.Wait() }

func ready(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue && pod.Status.PodIP != ""
		}
	}
	return false
}
