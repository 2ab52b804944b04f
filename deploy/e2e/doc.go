// Package e2e runs the chain from load to pods with the real Kubernetes components, and checks what it does. It has no code but
// tests, and the packages below that start and watch the components. `make e2e` builds those and runs it; see README.md.
package e2e
