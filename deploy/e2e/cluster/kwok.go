package cluster

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/process"
)

//go:embed stages.yaml
var stages []byte

//go:embed node.yaml
var node []byte

// startKwok starts what stands for nodes and kubelets. Pods get addresses of the loopback network, so that a program that listens
// on one of them is the pod to its clients.
func (c *Cluster) startKwok(ctx context.Context) error {
	immediately := []byte("durationMilliseconds: 0")
	if !bytes.Contains(stages, immediately) {
		return errors.New("the stages of pods have no time to load a model")
	}
	file := c.file("stages.yaml")
	text := bytes.Replace(stages, immediately, fmt.Appendf(nil, "durationMilliseconds: %d", c.Startup.Milliseconds()), 1)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return fmt.Errorf("write the stages of pods: %w", err)
	}
	_, err := c.start(ctx, "kwok", process.Command{Name: "kwok", Path: "kwok", Args: []string{
		"--config=" + file, "--kubeconfig=" + c.Kubeconfig("kwok"), "--manage-all-nodes=true", "--node-lease-duration-seconds=40",
		"--server-address=127.0.0.1:" + kwokPort, "--cidr=127.244.0.0/16", "--node-ip=127.0.0.1",
	}})
	return err
}

func (c *Cluster) addNode(ctx context.Context) error {
	var simulated corev1.Node
	if err := yaml.UnmarshalStrict(node, &simulated); err != nil {
		return fmt.Errorf("read the node: %w", err)
	}
	if _, err := c.Client.CoreV1().Nodes().Create(ctx, &simulated, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("add the node: %w", err)
	}
	return Eventually(ctx, "the node is ready", patience, func(ctx context.Context) error {
		nodes, err := c.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range nodes.Items {
			for _, condition := range nodes.Items[i].Status.Conditions {
				if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
					return nil
				}
			}
		}
		return fmt.Errorf("none of %d nodes is ready", len(nodes.Items))
	})
}
