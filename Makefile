# What there is to do in a checkout. `make run` and `make test` work on a fresh machine with Python >= 3.11,
# a Rust toolchain, a C and a C++ compiler; second runs are quick. Nothing here downloads a toolchain. llama.cpp is built
# once (pip keeps what it built): `make run` does without the model where it cannot be built, `make test` needs it, and
# installs torch, its oracle.

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
MODEL_COPY := $(DEMO)/for_the_model/$(notdir $(EXAMPLE))
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# rustup would download a component that is missing; here it says so instead.
export RUSTUP_AUTO_INSTALL := 0

.PHONY: help install serve run seed-toy test lint bench clean

help: ## list what there is to do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## make .venv and put the sleepy command into it (PYTHON=... chooses the interpreter)

serve: install ## try (again) to install what serves the model that comes with Sleepy: llama.cpp is compiled
	@rm -f $(VENV)/.serving
	@$(MAKE) $(VENV)/.serving

run: install ## repair a copy of the broken example, prove it, show what was recorded, ask the model
	@rm -rf $(DEMO_COPY) && mkdir -p $(DEMO) && cp -R $(EXAMPLE) $(DEMO_COPY)
	@echo "sleepy fix --apply --proof test $(DEMO_COPY)   (a copy of $(EXAMPLE))"
	@SLEEPY_HOME=$(DEMO)/home $(BIN)/sleepy fix --apply --proof test $(DEMO_COPY)
	@echo
	@echo "sleepy log $(DEMO_COPY) --limit 3"
	@SLEEPY_HOME=$(DEMO)/home $(BIN)/sleepy log $(DEMO_COPY) --limit 3
	@echo
	@$(MAKE) $(VENV)/.serving
	@rm -rf $(MODEL_COPY) && mkdir -p $(dir $(MODEL_COPY)) && cp -R $(EXAMPLE) $(MODEL_COPY)
	@echo "sleepy fix --sources model $(MODEL_COPY)   (the model that comes with Sleepy, without the other sources)"
	@SLEEPY_HOME=$(DEMO)/home $(BIN)/python tools/show_model.py $(MODEL_COPY)

seed-toy: $(VENV)/.installed-dev ## the whole way of the seed model, as a toy: data, training, export, serving, an answer
	@$(BIN)/python tools/seed_toy.py

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

# Nobody needs the model: where it cannot be served, everything else works.
$(VENV)/.serving: $(VENV)/.installed
	@echo "Installing what serves the seed model (llama.cpp is compiled here once, which takes some minutes)"
	@$(PIP_INSTALL) --editable '.[lsp,serve]' 2> $(VENV)/serve.log || \
	    echo "That failed, and everything but the model works: $(VENV)/serve.log says why, make serve tries again."
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what the tests need into $(VENV)"
	@$(PIP_INSTALL) --editable '.[dev]'
	@touch $@
