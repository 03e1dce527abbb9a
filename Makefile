# `make` alone lists the targets.
.DEFAULT_GOAL := help

GO      ?= go
BIN     := .bin
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

# What takes minutes to build is kept outside the checkout, by the hash of what
# it was built from, so that a fresh clone finds it again.
CACHE  := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sluice
cached  = $(CACHE)/$(1)-$(shell { $(GO) env GOVERSION GOOS GOARCH; cat tools/$(1)/go.mod tools/$(1)/go.sum; } | sha256sum | cut -c1-16)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

build: ## build .bin/sluice, one static binary
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/sluice ./cmd/sluice

demo: build ## try it: routes and rendered files from a folder of service definitions, no Consul needed
	@$(GO) build -o $(BIN)/demo ./examples/demo
	@exec $(BIN)/demo -sluice $(BIN)/sluice

demo-consul: build $(BIN)/consul ## the same tour on a real `consul agent -dev`
	@$(GO) build -o $(BIN)/demo ./examples/demo
	@exec $(BIN)/demo -sluice $(BIN)/sluice -consul $(BIN)/consul

test: test-deps ## run every test, with the race detector, against real Consul, Vault, Nomad, nginx and HAProxy
	$(GO) test -race -timeout 10m ./...
	@# Builds with the detector leave out raw sockets, and tests of allocations and memory.
	$(GO) test -short ./lb ./lb/h1 ./lb/accesslog

test-deps: $(BIN)/consul $(BIN)/consul-template $(BIN)/vault $(BIN)/nomad $(BIN)/grpc-client $(BIN)/grpc-server $(BIN)/pebble $(BIN)/pebble-challtestsrv packages ## build or install what the tests run against

packages:
	@tools/install-packages nginx haproxy curl openssl python3 gcc # the race detector and Nomad need a C compiler

lint: $(BIN)/golangci-lint ## gofmt, go vet and the linters of .golangci.yml
	@test -z "$$(gofmt -l .)" || { echo 'not gofmt-ed:'; gofmt -l .; exit 1; }
	$(BIN)/golangci-lint run ./...

fuzz: ## run each fuzz target for FUZZTIME (default 30s)
	@tools/fuzz-all $(or $(FUZZTIME),30s)

bench: build $(BIN)/consul ## measure bench/propagate; see bench/README.md
	$(GO) run ./bench/propagate -sluice $(BIN)/sluice -consul $(BIN)/consul

clean: ## remove what was built in this checkout (not the cache beside it)
	rm -rf $(BIN)

$(BIN)/consul: tools/consul/go.mod tools/consul/go.sum
	@tools/build-cached $(call cached,consul) $@ consul github.com/hashicorp/consul

$(BIN)/consul-template: tools/consul-template/go.mod tools/consul-template/go.sum
	@tools/build-cached $(call cached,consul-template) $@ consul-template github.com/hashicorp/consul-template

$(BIN)/vault: tools/vault/go.mod tools/vault/go.sum # minimal: without secrets of clouds and databases
	@tools/build-cached $(call cached,vault) $@ vault github.com/hashicorp/vault -tags=minimal

$(BIN)/nomad: tools/nomad/go.mod tools/nomad/go.sum | packages
	@CGO_ENABLED=1 tools/build-cached $(call cached,nomad) $@ nomad github.com/hashicorp/nomad

$(BIN)/grpc-client $(BIN)/grpc-server: $(BIN)/grpc-%: tools/grpc/go.mod tools/grpc/go.sum # the test cases gRPC's implementations share
	@tools/build-cached $(call cached,grpc)-$* $@ grpc google.golang.org/grpc/interop/$*

$(BIN)/pebble $(BIN)/pebble-challtestsrv: $(BIN)/%: tools/pebble/go.mod tools/pebble/go.sum # an authority that speaks ACME, and the DNS it asks
	@tools/build-cached $(call cached,pebble)-$* $@ pebble github.com/letsencrypt/pebble/v2/cmd/$*

$(BIN)/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	@tools/build-cached $(call cached,lint) $@ lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: help build demo demo-consul test test-deps packages lint fuzz bench clean
