# The doors of Huitou. `make help` lists them. Every door first installs the Debian packages that
# it needs (docker/packages/), so a fresh Debian 12 or 13 has only to have make and git.
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help build run test check format bench image fuzz crash simulation asan tsan clean

JOBS    ?= $(shell nproc)
SECONDS ?= 60
ROUNDS  ?= 100
SEEDS   ?= 1000

packages = @docker/packages/install.sh $(1)
# build/PRESET, configured; cmake configures again by itself when a file comes or goes.
configure = @[ -f build/$(1)/build.ninja ] || cmake --preset $(1)
compile = @cmake --build build/$(1) -j $(JOBS) --target $(2)

help: ## list the doors
	@echo "make DOOR, where DOOR is one of"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' Makefile

build: ## build the release binary, build/release/huitou
	$(call packages,build)
	$(call configure,release)
	$(call compile,release,huitou)

run: build ## start the daemon and play a small demo shop into it (ONCE=1 ends by itself)
	@build/release/huitou demo $(if $(ONCE),--once)

test: ## build and run all tests: release, sanitizers, fuzz corpora, scripts
	$(call packages,build test)
	@tests/run.sh $(JOBS) $(STAGES)

check: ## clang-format, clang-tidy, floors and self-contained headers
	$(call packages,build test lint)
	$(call configure,release)
	$(call compile,release,generated)
	@TIDY=$(TIDY) .ci/check $(JOBS)

format: ## rewrite the sources by clang-format
	$(call packages,lint)
	@.ci/format --fix

bench: ## build the benchmarks and measure Huitou beside its peers and limits
	$(call packages,build test bench)
	$(call configure,release)
	$(call compile,release,all)
	@bench/run.sh

image: ## build the container image huitou:latest with docker or buildah
	$(call packages,build)
	@docker/image.sh

fuzz: ## fuzz every door for user input from the kept corpora (SECONDS=60 each)
	$(call packages,build test)
	@tests/fuzz/run.sh --seconds $(SECONDS)

crash: ## kill -9 under load, over and over, with an outside ledger (ROUNDS=100)
	$(call packages,build test)
	$(call configure,release)
	$(call compile,release,huitou)
	@tests/crash/crash_test.py --rounds $(ROUNDS)

simulation: ## the fault simulation from many seeds (SEEDS=1000)
	$(call packages,build test)
	$(call configure,release)
	$(call compile,release,all)
	@build/release/tests/huitou_simulation --seeds $(SEEDS)

asan: ## the unit tests under the address and undefined-behaviour sanitizers
	$(call packages,build test)
	@tests/run.sh $(JOBS) asan

tsan: ## the unit tests under the thread sanitizer
	$(call packages,build test)
	@tests/run.sh $(JOBS) tsan

clean: ## remove everything that was built
	rm -rf build
