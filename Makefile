# Two commands: `make run` sits down at the bar, `make test` checks everything.
# Both make their own virtual environment (.venv) with any Python 3.11, 3.12 or 3.13 they find; PYTHON=... chooses one.

SUPPORTED = import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c '$(SUPPORTED)' 2>/dev/null && command -v "$$p" && break; done)
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet
JOBS ?= 2

.PHONY: run test check tests wheel container clean
.DEFAULT_GOAL := help

help:
	@echo "make run    talk to Bartender (with DISCORD_TOKEN set: start the Discord bot)"
	@echo "make test   set up, then lint, types, import contracts and the whole test suite"
	@echo "make wheel  build the wheel, install it in a clean environment, hold one conversation with it"
	@echo "make container  (root, Linux) walk through the Dockerfile without an engine, try its process as PID 1"

run: $(VENV)/.installed
	@$(BIN)/python -m bot start

test: check tests

check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

tests: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n $(JOBS) $(PYTEST_ARGS)

wheel: $(VENV)/.installed-test
	$(BIN)/python -m tests.wheel

container: $(VENV)/.installed-test
	$(BIN)/python -m tests.container

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Bartender needs Python 3.11, 3.12 or 3.13 (with venv; on Debian: apt install python3-venv)."; exit 1; }
	@echo "Setting up (once): a virtual environment in $(VENV) ..." >&2
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml setup.cfg
	@echo "Installing what Bartender needs ..." >&2
	@$(PIP) install -e . >&2
	@touch $@

$(VENV)/.installed-test: $(VENV)/.made pyproject.toml setup.cfg
	@echo "Installing what the tests need ..." >&2
	@$(PIP) install -e '.[test]'
	@$(BIN)/python -m tests.postgres --install
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
