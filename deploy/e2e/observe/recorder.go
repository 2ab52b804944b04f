// Package observe watches a cluster: what Deployments ask for and have at every moment, and which pods are ready.
package observe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// Replicas are those of a Deployment at some moment.
type Replicas struct {
	Time time.Time
	// Spec is how many there should be, Ready how many are ready.
	Spec, Ready int
}

// Name is that of a Deployment.
type Name struct{ Namespace, Name string }

// Recorder keeps every change of the replicas of Deployments.
type Recorder struct {
	now func() time.Time

	mu      sync.Mutex
	history map[Name][]Replicas
	changed chan struct{} // closed, and replaced, at each change
}

// NewRecorder starts to watch the Deployments of a cluster, until the context ends.
func NewRecorder(ctx context.Context, client kubernetes.Interface, now func() time.Time) (*Recorder, error) {
	r := &Recorder{now: now, history: map[Name][]Replicas{}, changed: make(chan struct{})}
	factory := informers.NewSharedInformerFactory(client, 0)
	informer := factory.Apps().V1().Deployments().Informer()
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    r.record,
		UpdateFunc: func(_, object any) { r.record(object) },
	}); err != nil {
		return nil, fmt.Errorf("watch Deployments: %w", err)
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return nil, errors.New("watch Deployments: " + context.Cause(ctx).Error())
	}
	return r, nil
}

func (r *Recorder) record(object any) {
	d, ok := object.(*appsv1.Deployment)
	if !ok || d.Spec.Replicas == nil {
		return
	}
	name := Name{d.Namespace, d.Name}
	now := Replicas{Time: r.now(), Spec: int(*d.Spec.Replicas), Ready: int(d.Status.ReadyReplicas)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if history := r.history[name]; len(history) > 0 {
		if last := history[len(history)-1]; last.Spec == now.Spec && last.Ready == now.Ready {
			return
		}
	}
	r.history[name] = append(r.history[name], now)
	close(r.changed)
	r.changed = make(chan struct{})
}

// Since returns what a Deployment had at a time and every change after it.
func (r *Recorder) Since(name Name, from time.Time) []Replicas {
	r.mu.Lock()
	defer r.mu.Unlock()
	history := r.history[name]
	first, exact := slices.BinarySearchFunc(history, from, func(at Replicas, t time.Time) int { return at.Time.Compare(t) })
	if !exact && first > 0 {
		first--
	}
	return slices.Clone(history[first:])
}

// Now returns what a Deployment has.
func (r *Recorder) Now(name Name) Replicas {
	r.mu.Lock()
	defer r.mu.Unlock()
	if history := r.history[name]; len(history) > 0 {
		return history[len(history)-1]
	}
	return Replicas{}
}

// Wait returns the first state since a time that is as it should be, or what there was instead when the context ended.
func (r *Recorder) Wait(ctx context.Context, name Name, from time.Time, good func(Replicas) bool) (Replicas, error) {
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		states := r.Since(name, from)
		if i := slices.IndexFunc(states, good); i >= 0 {
			return states[i], nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Replicas{}, fmt.Errorf("%s/%s went through %s", name.Namespace, name.Name, Describe(states))
		}
	}
}

// Describe writes states in one line.
func Describe(states []Replicas) string {
	var text strings.Builder
	for _, s := range states {
		fmt.Fprintf(&text, "[%s spec %d ready %d]", s.Time.Format("15:04:05.0"), s.Spec, s.Ready)
	}
	return text.String()
}
