package rules

import (
	"fmt"
	"io"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// Start writes shell commands that scale what is at zero to one. An HPA that is created while its workload is at zero never starts it. What
// runs is left as it is, and so is what is switched off. The command is what made them, as it can be typed again.
func Start(w io.Writer, c *config.Config, command string) error {
	all, err := targets(c, 1)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\n# Made by: %s\n", strings.ReplaceAll(command, "\n", " "))
	b.WriteString("# An HPA never starts a workload that is at zero when the HPA is created. Run this before. It changes nothing that runs.\nset -eu\n")
	b.WriteString(`start() {
  if [ "$(kubectl --namespace="$1" get "$2" --output=jsonpath='{.spec.replicas}')" = 0 ]; then
    kubectl --namespace="$1" scale "$2" --replicas=1
  fi
}
`)
	for i := range all {
		t := &all[i]
		if t.off {
			continue
		}
		fmt.Fprintf(&b, "start %s %s/%s\n", t.model.Namespace, resource(t.ScaleTarget.Kind), t.ScaleTarget.Name)
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// resource is a kind as kubectl takes it, without doubt.
func resource(kind config.TargetKind) string {
	switch kind {
	case config.KindLeaderWorkerSet:
		return "leaderworkersets.leaderworkerset.x-k8s.io"
	case config.KindStatefulSet:
		return "statefulsets.apps"
	case config.KindDeployment:
	}
	return "deployments.apps"
}
