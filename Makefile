# What a developer runs. CI (.ci/run) calls the same.

GO            ?= go
GOLANGCI_LINT ?= $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
ARGS          ?= demo

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
BRANCH   := $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)
INFO     := github.com/prometheus/common/version
LD_FLAGS := -s -w -X $(INFO).Version=$(VERSION) -X $(INFO).Revision=$(REVISION) -X $(INFO).Branch=$(BRANCH)

.PHONY: build run test lint bench replay-bench generate

# A static program in the working directory.
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LD_FLAGS)' -o variant_exporter .

# make run ARGS='serve --config.file=my.yml'
run:
	$(GO) run . $(ARGS)

test:
	$(GO) test ./...

lint:
	$(GO) vet ./...
	$(GOLANGCI_LINT) run

bench:
	$(GO) test -run='^$$' -bench=. -benchmem ./...

# A generated week of minutes for ten variants, replayed against a real Prometheus on this machine.
replay-bench:
	$(GO) test -run='^$$' -bench=ReplayWeek -benchtime=1x .

# Everything that is checked in but comes from a program. CI fails when it is not current.
generate:
	$(GO) generate ./...
