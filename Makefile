# What a developer runs. CI (.ci/run) calls the same.

GO            ?= go
GOLANGCI_LINT ?= $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
ARGS          ?= demo
DURATION      ?= 1h
SCHEDULES     ?= 2000

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
BRANCH   := $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)
INFO     := github.com/prometheus/common/version
LD_FLAGS := -s -w -X $(INFO).Version=$(VERSION) -X $(INFO).Revision=$(REVISION) -X $(INFO).Branch=$(BRANCH)

.PHONY: build run test lint bench replay-bench e2e engines generate

# A static program in the working directory.
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LD_FLAGS)' -o variant_exporter .

# make run ARGS='serve --config.file=my.yml'
run:
	$(GO) run . $(ARGS)

test:
	$(GO) test ./...

# More schedules of faults than the tests run: make faults SCHEDULES=10000
faults:
	$(GO) test -count=1 -timeout=0 -v -run='^TestSchedules$$' ./backtest/faults -faults.schedules=$(SCHEDULES)

# The program under scrapes for as long as is asked for, with what it uses: make soak DURATION=8h
soak:
	$(GO) test -count=1 -timeout=0 -v -run='^TestSoak$$' . -soak.duration=$(DURATION)

lint:
	$(GO) vet ./...
	$(GOLANGCI_LINT) run

bench:
	$(GO) test -run='^$$' -bench=. -benchmem ./...

# A generated week of minutes for ten variants, replayed against a real Prometheus on this machine.
replay-bench:
	$(GO) test -run='^$$' -bench=ReplayWeek -benchtime=1x .

# From load to pods on real Kubernetes components. The first time builds those, into a cache. See deploy/e2e/README.md.
e2e:
	deploy/e2e/build.sh
	cd deploy/e2e && GOFLAGS=-trimpath $(GO) test -count=1 -v -parallel=4 -timeout=15m $(E2E_ARGS) .

# One scene through every engine of PromQL that can be built here. The first time builds those. See docs/engines.md.
engines:
	deploy/e2e/build.sh engines
	cd deploy/e2e && GOFLAGS=-trimpath $(GO) test -count=1 -v -timeout=10m $(ENGINES_ARGS) ./engines

# Everything that is checked in but comes from a program. CI fails when it is not current.
generate:
	$(GO) generate ./...
