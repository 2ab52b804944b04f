package config

import "fmt"

// SilentReady is the expression for the pods that are ready, and of which a target does not answer scrapes. A pod that is being deleted stays ready
// while its server ends, and does not count. It is none where nothing tells which are being deleted.
func (c *Config) SilentReady() Expr {
	if c.ScaleTargets.Draining.IsZero() || c.ScaleTargets.Labels.Namespace != c.Labels.Namespace {
		return Expr{}
	}
	o := c.presetOptions()
	silent, err := c.Selector.Narrow(o.expand(`up{$namespace=~"$namespaces", pod!=""} == 0
		and on ($namespace, pod) kube_pod_status_ready{$namespace=~"$namespaces", condition="true"} == 1`))
	if err != nil {
		return Expr{} // What is wrong with a label's name has been reported.
	}
	pods, err := ParseExpr(fmt.Sprintf("group by (%[1]s, pod) (%[2]s unless on (%[1]s, pod) (%[3]s) > 0)", c.Labels.Namespace, silent, c.ScaleTargets.Draining))
	if err != nil {
		return Expr{}
	}
	return pods
}
