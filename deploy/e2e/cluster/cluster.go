// Package cluster runs a Kubernetes control plane and the metrics pipeline, and nothing else: etcd, kube-apiserver with its
// aggregation layer, kube-controller-manager with the real HorizontalPodAutoscaler, kube-scheduler, and kwok in place of nodes and
// kubelets. It is meant for a network of its own (see package network): its ports are fixed.
package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/process"
)

// Ports of what is started here.
const (
	etcdPort             = "2379"
	etcdPeerPort         = "2380"
	apiPort              = "6443"
	controllerPort       = "10257"
	schedulerPort        = "10259"
	kwokPort             = "10247"
	prometheusPort       = "9090"
	kubeStatePort        = "8080"
	kubeStateOwnPort     = "8081"
	externalMetricsPort  = "6444"
	kedaOperatorPort     = "9666"
	kedaMetricsPort      = "8082"
	kedaProbePort        = "8083"
	kedaAdapterOwnPort   = "8084"
	adapterMetricsUser   = "metrics-adapter"
	externalMetricsGroup = "v1beta1.external.metrics.k8s.io"
)

// patience is how long a program may take until it answers. Machines that are busy take long.
const patience = 2 * time.Minute

// Options of a cluster.
type Options struct {
	// Dir is an empty directory for everything that the cluster writes, but for the output of its programs.
	Dir   string
	Parts Parts
	Group *process.Group
	// Now is the time from which certificates are valid.
	Now time.Time
	// Sync is how often the HorizontalPodAutoscaler controller looks.
	Sync time.Duration
	// Startup is how long a pod takes until it is ready: the time to load a model.
	Startup time.Duration
}

// Cluster is a running control plane.
type Cluster struct {
	Options
	// Client, Dynamic and Config act as an administrator.
	Client  kubernetes.Interface
	Dynamic dynamic.Interface
	Config  *rest.Config

	mapper    *restmapper.DeferredDiscoveryRESTMapper
	authority *authority
}

// Start starts a control plane, and returns when it has one node that is ready.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	c := &Cluster{Options: o}
	if err := os.MkdirAll(c.file("pki"), 0o700); err != nil {
		return nil, fmt.Errorf("start a cluster: %w", err)
	}
	for _, step := range []func(context.Context) error{
		c.makeIdentities, c.startEtcd, c.startAPIServer, c.startControllers, c.startKwok, c.addNode,
	} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("start a cluster: %w", err)
		}
	}
	return c, nil
}

// Kubeconfig returns the file of a user's, "admin" for the administrator.
func (c *Cluster) Kubeconfig(user string) string { return c.file(user + ".kubeconfig") }

func (c *Cluster) file(path ...string) string {
	return filepath.Join(append([]string{c.Dir}, path...)...)
}

func (c *Cluster) start(ctx context.Context, part string, command process.Command) (*process.Process, error) {
	path, err := c.Parts.Path(ctx, part, filepath.Base(command.Path))
	if err != nil {
		return nil, err
	}
	command.Path = path
	return c.Group.Start(command)
}

// makeIdentities makes the certificates of everybody, and the kubeconfig files of those who need one.
func (c *Cluster) makeIdentities(context.Context) error {
	var err error
	if c.authority, err = newAuthority(c.file("pki"), "ca", c.Now); err != nil {
		return err
	}
	frontProxy, err := newAuthority(c.file("pki"), "front-proxy-ca", c.Now)
	if err != nil {
		return err
	}
	if err := frontProxy.issue(identity{file: "front-proxy-client", user: "front-proxy-client"}); err != nil {
		return err
	}
	if err := writeAccountKeys(c.file("pki", "accounts.key"), c.file("pki", "accounts.pub")); err != nil {
		return err
	}
	administrators := []string{"system:masters"}
	for _, id := range []identity{
		{file: "apiserver", user: "kube-apiserver", hosts: []string{"127.0.0.1", "10.96.0.1", "localhost", "kubernetes.default.svc"}},
		{file: "admin", user: "admin", organization: administrators},
		{file: "kwok", user: "kwok", organization: administrators},
		{file: "monitoring", user: "monitoring", organization: administrators},
		{file: "controllers", user: "system:kube-controller-manager"},
		{file: "scheduler", user: "system:kube-scheduler"},
		// The aggregation layer checks that who serves a group has the name of its Service.
		{file: "external-metrics", user: adapterMetricsUser, hosts: []string{
			"127.0.0.1", "localhost", "metrics-adapter.monitoring.svc", "keda-metrics-apiserver.keda.svc", "keda-operator.keda.svc",
		}},
	} {
		if err := c.authority.issue(id); err != nil {
			return err
		}
		if err := c.writeKubeconfig(id.file, user{ClientCertificate: c.file("pki", id.file+".crt"), ClientKey: c.file("pki", id.file+".key")}); err != nil {
			return err
		}
	}
	return c.connect()
}

// connect makes the administrator's clients.
func (c *Cluster) connect() error {
	var err error
	if c.Config, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig("admin")); err != nil {
		return fmt.Errorf("read the administrator's kubeconfig: %w", err)
	}
	// The limits are meant for clusters that many share.
	c.Config.QPS, c.Config.Burst = 200, 400
	if c.Client, err = kubernetes.NewForConfig(c.Config); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if c.Dynamic, err = dynamic.NewForConfig(c.Config); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(c.Config)
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	c.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kinds))
	return nil
}

// resource returns which resource a kind is served as, and whether it has a namespace.
func (c *Cluster) resource(kind schema.GroupVersionKind) (resource schema.GroupVersionResource, namespaced bool, err error) {
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		c.mapper.Reset() // the kind may have been defined a moment ago
		mapping, err = c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	}
	if err != nil {
		return resource, false, fmt.Errorf("find the resource of %s: %w", kind, err)
	}
	return mapping.Resource, mapping.Scope.Name() == "namespace", nil
}
