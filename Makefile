# What there is to do in a checkout. `make run` and `make test` work on a fresh machine with Python >= 3.11,
# a Rust toolchain, a C and a C++ compiler; second runs are quick. Nothing here downloads a toolchain. `make test` builds
# llama.cpp once (pip keeps what it built) and installs torch, its oracle; `make run` needs neither.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
# What `make run` works on and remembers. A fixed place, so that its second run finds the first one's compiled crates.
DEMO := $(VENV)/demo
EXAMPLE := examples/lending_library
DEMO_COPY := $(DEMO)/$(notdir $(EXAMPLE))
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# rustup would download a component that is missing; here it says so instead.
export RUSTUP_AUTO_INSTALL := 0

.PHONY: help install run test lint bench clean

help: ## list what there is to do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## make .venv and put the sleepy command into it (PYTHON=... chooses the interpreter)

run: install ## repair a copy of the broken example, prove it with its tests, show what was recorded
	@rm -rf $(DEMO_COPY) && mkdir -p $(DEMO) && cp -R $(EXAMPLE) $(DEMO_COPY)
	@echo "sleepy fix --apply --proof test $(DEMO_COPY)   (a copy of $(EXAMPLE))"
	@SLEEPY_HOME=$(DEMO)/home $(BIN)/sleepy fix --apply --proof test $(DEMO_COPY)
	@echo
	@echo "sleepy log $(DEMO_COPY) --limit 3"
	@SLEEPY_HOME=$(DEMO)/home $(BIN)/sleepy log $(DEMO_COPY) --limit 3

test: $(VENV)/.installed-dev lint ## install what the tests need, then lint, types, import contracts and all tests
	@tools/fetch_crates.sh
	@tools/fetch_oracles.sh $(BIN)/python
	@PATH="$$(tools/rust_analyzer.sh):$$PATH" $(BIN)/python -m pytest

lint: $(VENV)/.installed-dev ## ruff, mypy --strict, the import contracts, Lua
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/nvim --clean -l tools/check_lua.lua editor tests/e2e tools

bench: $(VENV)/.installed-dev ## measure what README claims
	@$(BIN)/python -m benchmarks

clean: ## delete .venv and every cache inside the checkout
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made: tools/make_venv.sh
	@tools/make_venv.sh $(VENV) $(PYTHON)
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	@echo "Installing sleepy into $(VENV)"
	@$(PIP_INSTALL) --editable '.[lsp]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what the tests need into $(VENV)"
	@$(PIP_INSTALL) --editable '.[dev]'
	@touch $@
