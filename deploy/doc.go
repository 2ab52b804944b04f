// Package deploy holds manifests, as files: Kustomize bases and overlays, examples, a Dockerfile and a unit for systemd. There is no
// code in it, only tests that hold the files to what the exporter generates and to what Kustomize makes of them.
package deploy

//go:generate env TEST_LONG=1 go test -run TestProgram/generated|TestChartDashboards -update .
