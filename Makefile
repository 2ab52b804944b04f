# Commands for developers. CI (.ci/run) uses the same.

GO            ?= go
GOLANGCI_LINT ?= $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   ?= $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0
VULN_DB       ?= https://vuln.go.dev
ARGS          ?= demo
DURATION      ?= 1h
SCHEDULES     ?= 2000
CHECKS        ?= 1000
BOUNDS        ?= .

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
BRANCH   := $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)
INFO     := github.com/prometheus/common/version
LD_FLAGS := -s -w -X $(INFO).Version=$(VERSION) -X $(INFO).Revision=$(REVISION) -X $(INFO).Branch=$(BRANCH)

.PHONY: build release run test test-long properties chart faults mutations soak lint bench replay-bench scale-bench e2e engines generate uplot browser-tests

# Builds a static program in the working directory.
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LD_FLAGS)' -o variant_exporter .

# Builds what a release consists of, into dist: static programs for linux and darwin, archives, checksums, bills of materials, and an OCI
# image layout, without Docker. The same revision gives the same bytes. VERSION=v0.1.0 names it.
release:
	cd deploy/release && $(GO) run . -version='$(VERSION)' -revision='$(REVISION)' -time='$(shell git log -1 --format=%ct 2>/dev/null)' $(RELEASE_ARGS)

# make run ARGS='serve --config.file=my.yml'
run:
	$(GO) run . $(ARGS)

test:
	$(GO) test ./...

# Runs the tests of the packages that hold some back because they take long: those too.
test-long:
	TEST_LONG=1 $(GO) test -timeout=30m $(shell grep -rl --include='*_test.go' --exclude-dir=e2e --exclude-dir=charttest '/internal/long"' . | xargs -n1 dirname | sort -u)

# Makes more checks of the property tests, with draws of their own each time: make properties CHECKS=10000
properties:
	$(GO) test -count=1 -timeout=0 $(shell grep -rl --include='*_test.go' --exclude-dir=deploy pgregory.net/rapid . | xargs -n1 dirname | sort -u) \
		-run='$(RUN)' -rapid.checks=$(CHECKS)

# Renders and lints the chart with Helm's library, and makes a release of a small program. Both are modules of their own.
chart:
	cd deploy/charttest && $(GO) test ./...
	cd deploy/release && $(GO) test ./...

# Runs more schedules of faults than the tests do: make faults SCHEDULES=10000
faults:
	$(GO) test -count=1 -timeout=0 -v -run='^TestSchedules$$' ./backtest/faults -faults.schedules=$(SCHEDULES)

# Removes the bounds of docs/testing.md one after the other, and sees their tests fail: make mutations BOUNDS=Odd
mutations:
	$(GO) test -count=1 -timeout=0 -v -run='^TestMutations$$' . -mutations='$(BOUNDS)'

# Scrapes the program for a long time, and prints its resource use: make soak DURATION=8h
soak:
	$(GO) test -count=1 -timeout=0 -v -run='^TestSoak$$' ./command -soak.duration=$(DURATION)

# Known vulnerabilities are looked for where their database can be reached.
lint:
	$(GO) vet ./...
	$(GOLANGCI_LINT) run
	@if curl -sf --max-time 10 -o /dev/null $(VULN_DB)/index/modules.json; then $(GOVULNCHECK) ./...; \
	else echo "govulncheck: not run: the database $(VULN_DB) cannot be reached from here"; fi

bench:
	$(GO) test -run='^$$' -bench=. -benchmem ./...

# Replays a generated week of one-minute steps for ten variants, against a real Prometheus on this machine.
replay-bench:
	$(GO) test -run='^$$' -bench=ReplayWeek -benchtime=1x ./command

# Measures what a scrape costs a real Prometheus, and what of that counting sources takes: 1,000 variants, 8,000 pods.
# SCALE_ARGS=-scale.binary=FILE measures another build, SCALE_ARGS=-v lists the queries.
scale-bench:
	$(GO) test -run='^$$' -bench=Prometheus -benchtime=5x -timeout=30m ./backtest/scale $(SCALE_ARGS)
	$(GO) test -run='^$$' -bench='Witness|Past' -benchtime=1x -timeout=1h ./backtest/scale $(SCALE_ARGS)

# Tests the chain from load to pods on real Kubernetes components. The first run builds them into a cache. See deploy/e2e/README.md.
# The test builds its programs too, but within a timeout: their packages are downloaded and compiled here first.
e2e: export GOFLAGS = -trimpath
e2e:
	deploy/e2e/build.sh
	$(GO) build -o /dev/null .
	cd deploy/e2e && $(GO) build ./...
	cd deploy/e2e && $(GO) test -count=1 -v -parallel=4 -timeout=30m $(E2E_ARGS) .

# Runs one scene through every engine of PromQL that can be built here. The first run builds them. See docs/engines.md.
engines:
	deploy/e2e/build.sh engines
	cd deploy/e2e && GOFLAGS=-trimpath $(GO) test -count=1 -v -timeout=10m $(ENGINES_ARGS) ./engines

# Fetches the script that draws the console's charts from npm, by its integrity hash. It is checked in: building needs only Go.
uplot:
	collector/chart/fetch.sh uplot

# Looks at the console in a real browser (Chromium on PATH), with axe-core from npm. SHOTS=DIR keeps pictures of every page.
browser-tests:
	collector/chart/fetch.sh axe-core
	TEST_LONG=1 CONSOLE_SCREENSHOTS=$(SHOTS) $(GO) test -count=1 -v -run='^TestBrowser$$' ./collector/server/console

# Rewrites all checked-in files that are generated. CI fails if one is not current.
generate:
	$(GO) generate ./...
