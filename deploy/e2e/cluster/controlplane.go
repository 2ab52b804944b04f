package cluster

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/process"
)

func (c *Cluster) startEtcd(ctx context.Context) error {
	clients, peers := "http://127.0.0.1:"+etcdPort, "http://127.0.0.1:"+etcdPeerPort
	if _, err := c.start(ctx, "etcd", process.Command{Name: "etcd", Path: "etcd", Args: []string{
		"--name=e2e", "--data-dir=" + c.file("etcd"), "--unsafe-no-fsync",
		"--listen-client-urls=" + clients, "--advertise-client-urls=" + clients,
		"--listen-peer-urls=" + peers, "--initial-advertise-peer-urls=" + peers, "--initial-cluster=e2e=" + peers,
	}}); err != nil {
		return err
	}
	return Eventually(ctx, "etcd answers", patience, Answers(clients+"/health"))
}

func (c *Cluster) startAPIServer(ctx context.Context) error {
	pki := func(name string) string { return c.file("pki", name) }
	apiserver, err := c.start(ctx, "kubernetes", process.Command{Name: "kube-apiserver", Path: "kube-apiserver", Args: []string{
		"--etcd-servers=http://127.0.0.1:" + etcdPort,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + apiPort,
		"--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/24", "--authorization-mode=RBAC",
		"--client-ca-file=" + pki("ca.crt"),
		"--tls-cert-file=" + pki("apiserver.crt"), "--tls-private-key-file=" + pki("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + pki("accounts.pub"), "--service-account-signing-key-file=" + pki("accounts.key"),
		// The aggregation layer: who it is to the servers behind it, and how they know.
		"--requestheader-client-ca-file=" + pki("front-proxy-ca.crt"), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + pki("front-proxy-client.crt"), "--proxy-client-key-file=" + pki("front-proxy-client.key"),
	}})
	if err != nil {
		return err
	}
	return Eventually(ctx, "the API server is ready", patience, func(ctx context.Context) error {
		if err := apiserver.Err(); err != nil {
			return err
		}
		_, err := c.Client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	})
}

func (c *Cluster) startControllers(ctx context.Context) error {
	credentials := func(name string) []string {
		file := c.Kubeconfig(name)
		return []string{
			"--kubeconfig=" + file, "--authentication-kubeconfig=" + file, "--authorization-kubeconfig=" + file,
			"--bind-address=127.0.0.1", "--leader-elect=false",
		}
	}
	if _, err := c.start(ctx, "kubernetes", process.Command{
		Name: "kube-controller-manager", Path: "kube-controller-manager", Args: append(credentials("controllers"),
			"--secure-port="+controllerPort, "--use-service-account-credentials=true",
			"--service-account-private-key-file="+c.file("pki", "accounts.key"), "--root-ca-file="+c.authority.path(),
			"--horizontal-pod-autoscaler-sync-period="+c.Sync.String()),
	}); err != nil {
		return err
	}
	_, err := c.start(ctx, "kubernetes", process.Command{
		Name: "kube-scheduler", Path: "kube-scheduler", Args: append(credentials("scheduler"), "--secure-port="+schedulerPort),
	})
	if err != nil {
		return err
	}
	return Eventually(ctx, "the controllers make service accounts", patience, func(ctx context.Context) error {
		_, err := c.Client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// Namespace makes a namespace, and waits until pods can run in it.
func (c *Cluster) Namespace(ctx context.Context, name string) error {
	if err := c.Apply(ctx, fmt.Appendf(nil, "{apiVersion: v1, kind: Namespace, metadata: {name: %s}}", name)); err != nil {
		return err
	}
	return Eventually(ctx, "the namespace "+name+" has a service account", patience, func(ctx context.Context) error {
		_, err := c.Client.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}
