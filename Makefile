# make            what there is
# make check      what CI runs
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules
.SUFFIXES:

# Tools are pinned here, built once into .tools and never taken from the PATH.
TOOLS := $(CURDIR)/.tools
GOLANGCI_LINT_VERSION := v2.15.0
GOFUMPT_VERSION := v0.12.0
GOVULNCHECK_VERSION := v1.9.0
BENCHSTAT_VERSION := v0.0.0-20260908200009-22c9c6c9d4da

# A writable module cache, so that "rm -r" of a throw-away GOPATH works.
GOFLAGS ?=
export GOFLAGS := $(strip $(filter-out -modcacherw,$(GOFLAGS)) -modcacherw)

# What can be said on the command line: make test PKG=./builder/... RUN=TestFilter
PKG ?= ./...
RUN ?=
COUNT ?= 1
TIMEOUT ?= 15m
FUZZTIME ?= 60s
BENCHCOUNT ?= 10
COVERAGE_MIN ?= 85
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
TESTFLAGS ?=
URL ?=
POSTGRAPHILE ?=

go_test = go test -count=$(COUNT) -timeout=$(TIMEOUT) $(if $(RUN),-run '$(RUN)') $(TESTFLAGS)
# The product, without what only tests and benchmarks use.
product = $$(go list ./... | grep -Ev '/(tests|examples)(/|$$)|/internal/(archtest|pgtest|faultproxy|httpaudit|browsertest)$$|/backendtest$$')
bench = go test -run '^$$' -benchmem -timeout 60m -count $(BENCHCOUNT)

##@ Every day

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## Build everything, and the command into bin/
	go build ./...
	go build -trimpath -o bin/ ./cmd/...

.PHONY: test
test: ## Run all tests on a throw-away PostgreSQL, or on DATABASE_URL
	$(go_test) $(PKG)

.PHONY: race
race: ## Run all tests under the race detector
	CGO_ENABLED=1 $(go_test) -race $(PKG)

.PHONY: conformance
conformance: ## Run the conformance suite on every backend and mode
	$(go_test) -v ./backend/... ./tests/...

.PHONY: parity
parity: ## Run all tests with every operation compared on both backends
	FRAISEQL_PARITY_TESTING=true $(go_test) $(PKG)

.PHONY: audit
audit: ## Hold a server of its own to the 61 audits of npm graphql-http
	npm --prefix tests/clients/audit ci --ignore-scripts --no-audit --no-fund
	go run ./tests/serving -url '$(URL)' node tests/clients/audit/audit.mjs

.PHONY: clients
clients: ## Check npm clients against a server of its own, or against URL
	npm --prefix tests/clients ci --ignore-scripts --no-audit --no-fund
	go run ./tests/serving -url '$(URL)' node tests/clients/run.mjs

PAIRS ?= 100000

.PHONY: replicas
replicas: ## Write and read back PAIRS times on real replicas, in every mode; fail over under load
	FRAISEQL_REPLICA_PAIRS=$(PAIRS) $(go_test) -v -run 'TestReadYourWrites|TestFailover|TestAnotherTimeline' ./executor/replica

.PHONY: libraries
libraries: ## Run database/sql libraries through the connector on both drivers (modules from the network)
	cd tests/libraries && $(go_test) -v .

.PHONY: demo
demo: ## Show the product at work on sample data, on both backends
	go run ./cmd/fraiseql demo

##@ Before a commit

.PHONY: check
check: test lint vuln check-generate ## What CI runs

.PHONY: qa
qa: check race cover ## check, the race detector and the coverage gate

.PHONY: fmt
fmt: $(TOOLS)/gofumpt-$(GOFUMPT_VERSION) ## Format all Go files
	git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 $< -w

.PHONY: lint
lint: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) $(TOOLS)/gofumpt-$(GOFUMPT_VERSION) ## Check format and lint
	@unformatted=$$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 $(TOOLS)/gofumpt-$(GOFUMPT_VERSION) -l); \
	if [ -n "$$unformatted" ]; then echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi
	$< run ./...

.PHONY: vuln
vuln: $(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION) ## Look for known vulnerabilities that the code reaches
	@if curl -fsS -m 10 -o /dev/null https://vuln.go.dev/index/modules.json; then $< ./...; \
	else echo "vuln: https://vuln.go.dev is out of reach; not checked"; fi

.PHONY: cover
cover: ## Measure coverage of the product; below COVERAGE_MIN percent is an error
	$(go_test) -coverpkg=$$(echo $(product) | tr ' ' ',') -coverprofile=coverage.out ./...
	@go tool cover -html=coverage.out -o coverage.html
	@go tool cover -func=coverage.out | awk -v min=$(COVERAGE_MIN) '/^total:/ {sub("%", "", $$3); printf "coverage %s%%, at least %s%% wanted\n", $$3, min; exit $$3 < min}'

# Without a bound most of the time goes into making interesting inputs shorter.
.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME each
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
			echo "== $$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$package"; \
		done; \
	done

##@ Files that are derived

.PHONY: golden
golden: ## Rewrite golden files and the pages that tests derive
	go test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -n1 dirname | sort -u) -update

.PHONY: generate
generate: ## Rewrite generated code and reference pages
	go generate ./...

.PHONY: graphiql
graphiql: ## Rebuild the assets of GraphiQL from npm (Node 20 or newer)
	npm --prefix server/graphiql/ui ci --ignore-scripts --no-audit --no-fund
	npm --prefix server/graphiql/ui run build

.PHONY: check-generate
check-generate: ## Fail if generate would change a file
	@before=$$(git status --porcelain; git diff | sha256sum); go generate ./...; after=$$(git status --porcelain; git diff | sha256sum); \
	if [ "$$before" != "$$after" ]; then echo "generated files are stale: run make generate and commit"; git status --short; exit 1; fi

##@ Measurements (BENCHCOUNT runs each)

.PHONY: bench
bench: ## All benchmarks, into docs/bench/latest.txt
	@mkdir -p docs/bench
	$(bench) -bench . ./... | tee docs/bench/latest.txt

.PHONY: bench-queries
bench-queries: ## Reads: one row, lists, filters, relations
	$(bench) -bench 'Query|Queries|Read|Select' ./executor/... ./backend/... ./tests/...

.PHONY: bench-mutations
bench-mutations: ## Writes: insert, update, delete, bulk
	$(bench) -bench 'Mutation|Insert|Update|Delete|Write' ./executor/... ./backend/... ./tests/...

.PHONY: bench-pool
bench-pool: ## The pool: taking and giving back connections, saturation
	$(bench) -bench 'Pool|Acquire|Conn' ./executor/... ./backend/... ./tests/...

.PHONY: bench-streaming
bench-streaming: ## Large results: rows a second and memory
	$(bench) -bench 'Stream' ./executor/... ./backend/... ./tests/...

.PHONY: bench-parity
bench-parity: ## Comparing: what it costs, and a gigabyte in bounded memory
	$(bench) -bench 'Compared|Shadow|Mirror' ./parity/...
	FRAISEQL_TEST_LARGE=1 go test ./parity -run TestLargeResultInBoundedMemory -v -count 1

.PHONY: bench-http
bench-http: ## HTTP: the server beside two hand-written ones, a million rows, hostile documents, into docs/bench/http.* (URL= names a database with the sample data, which is written to)
	go run ./tests/bench -rounds 5 -each 1500ms -out docs/bench $(if $(URL),-dsn '$(URL)')

peers := tests/bench/peers
TIMES ?= 1
ONLY ?=

# Peers that can't be installed here are left out, which the report says.
.PHONY: bench-peers
bench-peers: ## HTTP: beside PostGraphile, pREST and FastAPI too, 20 minutes, into docs/bench/peers.* (TIMES=10: ten times the rows; ONLY=key,nested: these works)
	-npm --prefix $(peers)/postgraphile ci --ignore-scripts --no-audit --no-fund
	-cd $(peers)/prest && go build -o prestd github.com/prest/prest/cmd/prestd
	go run ./tests/bench -peers $(peers) -name peers$(if $(filter-out 1,$(TIMES)),-$(TIMES)) -times $(TIMES) -connections 1,16,64 -rounds 3 -each 800ms -limit 20m $(if $(ONLY),-only "$(ONLY)") -out docs/bench

.PHONY: bench-replicas
bench-replicas: ## Reads with no, one and two replicas on this machine: what leaves the primary, into docs/bench/replicas.json
	go run ./tests/bench/replicas -rounds 3 -each 5s -out docs/bench/replicas.json

.PHONY: bench-scale
bench-scale: ## Cost against size: rows, tables, waiting clients, plans; ten minutes at most, into docs/bench/scale.json and scale-*.svg
	go run ./tests/bench/scale -out docs/bench

REV ?=

.PHONY: bench-compare
bench-compare: $(TOOLS)/benchstat-$(BENCHSTAT_VERSION) ## The hot paths against docs/bench/baseline.txt, or against REV measured in turn: red where they are worse
	go run ./tests/bench/compare -benchstat $< -rounds $(BENCHCOUNT) $(if $(REV),-rev '$(REV)')

.PHONY: bench-baseline
bench-baseline: ## Measure the hot paths into docs/bench/baseline.txt, which bench-compare judges against
	go run ./tests/bench/compare -keep -rounds $(BENCHCOUNT)

##@ Releases and upkeep

.PHONY: release
release: ## Build archives for all systems into dist/ (from a clean, tagged tree)
	@[ -z "$$(git status --porcelain)" ] || { echo "release: the tree has files or changes that are not committed"; exit 1; }
	@git describe --tags --exact-match >/dev/null 2>&1 || { echo "release: HEAD has no tag"; exit 1; }
	@rm -rf dist && mkdir -p dist
	@for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64; do \
		name=fraiseql-$(VERSION)-$${target/\//-}; binary=fraiseql; [[ $$target == windows/* ]] && binary=fraiseql.exe; \
		echo "$$name"; mkdir "dist/$$name"; cp LICENSE README.md "dist/$$name/"; \
		export CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/}; \
		go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/fraiseql | sort -u | while read -r path version dir; do \
			echo "==== $$path $$version"; \
			find "$$dir" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' \) -exec cat {} + | grep ''; \
		done > "dist/$$name/THIRD_PARTY_LICENSES.txt"; \
		go build -trimpath -buildvcs=true -ldflags '-s -w' -o "dist/$$name/$$binary" ./cmd/fraiseql; \
		tar -C dist -czf "dist/$$name.tar.gz" "$$name"; rm -r "dist/$$name"; \
	done
	@cd dist && sha256sum *.tar.gz > SHA256SUMS

.PHONY: tidy
tidy: ## Tidy go.mod and go.sum
	go mod tidy

.PHONY: clean
clean: ## Remove what make has built
	rm -rf bin dist coverage.out coverage.html $(TOOLS)

# One file a version: a changed pin builds anew, an unchanged one costs nothing.
$(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION): package := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(TOOLS)/gofumpt-$(GOFUMPT_VERSION): package := mvdan.cc/gofumpt
$(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION): package := golang.org/x/vuln/cmd/govulncheck
$(TOOLS)/benchstat-$(BENCHSTAT_VERSION): package := golang.org/x/perf/cmd/benchstat
$(TOOLS)/%:
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS)/build go install $(package)@$(patsubst $(notdir $(package))-%,%,$(notdir $@))
	@mv $(TOOLS)/build/$(notdir $(package)) $@ && rmdir $(TOOLS)/build
