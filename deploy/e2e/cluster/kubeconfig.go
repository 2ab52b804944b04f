package cluster

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// user is how somebody proves who they are.
type user = api.AuthInfo

// writeKubeconfig writes what somebody needs to talk to the API server.
func (c *Cluster) writeKubeconfig(name string, who user) error {
	const only = "e2e"
	config := api.NewConfig()
	config.Clusters[only] = &api.Cluster{Server: "https://127.0.0.1:" + apiPort, CertificateAuthority: c.authority.path()}
	config.AuthInfos[only] = &who
	config.Contexts[only] = &api.Context{Cluster: only, AuthInfo: only}
	config.CurrentContext = only
	if err := clientcmd.WriteToFile(*config, c.Kubeconfig(name)); err != nil {
		return fmt.Errorf("write the kubeconfig of %s: %w", name, err)
	}
	return nil
}
