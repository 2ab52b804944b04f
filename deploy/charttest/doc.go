// Package charttest renders and lints the Helm chart with Helm's own library. It is a module of its own, because that library needs most
// of Kubernetes' client.
package charttest
