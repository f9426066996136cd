# Two commands do all the set-up on a fresh machine:
#
#   make lab     the environment, then JupyterLab on the first notebook   (ARGS=--no-browser on a remote machine)
#   make test    the environment, Chromium where it can be had, lint, types and every test   (ARGS="-k show" for some)
#
# Another Python gets an environment of its own: make test PYTHON=python3.13

PYTHON ?= python3
VENV ?= $(if $(filter python3,$(PYTHON)),.venv,.venv-$(patsubst python%,%,$(notdir $(PYTHON))))
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check
LAB := $(VENV)/.ready-lab
READY := $(VENV)/.ready
BENCH := $(VENV)/.ready-bench
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable

.DEFAULT_GOAL := help
.PHONY: help env lab test test-all lint format fuzz bench chromium clean

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 18

env: $(READY) ## the environment, with everything but the benchmarks' peers

lab: $(LAB) ## JupyterLab on the first notebook
	$(BIN)/durable-debug lab $(ARGS)

# Hundreds of tests begin interpreters: where bytecode is not kept, each of them compiles all anew.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(READY) chromium lint ## lint, types and every test
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

# The oldest and the newest Python that are supported, where this machine has them.
# (A version manager puts a `python3.13` on the path that does not always run, hence the trial.)
NEWEST = $(shell for p in python3.13 "$$HOME"/.pyenv/versions/3.13*/bin/python3.13; do \
	  "$$p" --version >/dev/null 2>&1 && { echo "$$p"; break; }; done)

test-all: ## `make test` on python3, and on Python 3.13 where this machine has one
	$(MAKE) test
	$(if $(NEWEST),$(MAKE) test PYTHON=$(NEWEST),@echo "No Python 3.13 here: the tests ran on $(PYTHON) only.")

lint: $(READY) ## ruff, mypy and the arrows between the rooms
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

format: $(READY) ## put the code in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

fuzz: $(READY) ## broken files and histories through everything (ARGS="SEED COUNT")
	$(BIN)/python -m tests.fuzz $(ARGS)

bench: $(BENCH) ## measure, side by side with the SDK's own loop and with peers
	$(BIN)/python -m tests.benchmarks $(ARGS)

# Debian's and Ubuntu's packages, where this user may install them without being asked for a password.
apt = { sudo=; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; command -v apt-get && $$sudo true; } >/dev/null 2>&1 && \
  $$sudo apt-get -q update && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install $(1)

# A Chromium that is there is used. Without one the tests in a browser are skipped for a person, and fail where CI=true.
chromium:
	@test -n "$$CHROMIUM" && exit; for browser in $(BROWSERS); do command -v $$browser >/dev/null && exit; done; \
	$(call apt,chromium fonts-dejavu-core) || \
	  echo "No Chromium here. To run the tests in a browser, install Chromium or Chrome, or set CHROMIUM to its path."

# Made again when pyproject.toml has changed. An environment that is already there is kept and brought up to date: first with
# what JupyterLab needs, and with the tools of tests and lint when they are first asked for.
$(LAB): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is missing or older than 3.11. Name another: make $(MAKECMDGOALS) PYTHON=python3.13"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo "Making an environment in $(VENV)."; $(PYTHON) -m venv $(VENV); } || \
	  { $(call apt,python3-venv) && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" # the first that shows how far it is, and reads dependency groups
	@echo "Installing durable_debug with JupyterLab: about 600 MB, a minute or two, once."
	@$(PIP) --editable ".[lab]"
	@touch $@

$(READY): $(LAB)
	@echo "Installing what tests and lint need: about 450 MB more, once."
	@$(PIP) --group dev
	@touch $@

$(BENCH): $(READY)
	@$(PIP) --group bench
	@touch $@

clean: ## remove what the tools left behind; the environment stays
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis test-results dist build
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
