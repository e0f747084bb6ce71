# Two commands do everything: `make up` runs Farwatch here, `make test` tests it. The rest is for its developers.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV ?= .venv
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q install
UP_FLAGS ?=
TEST_FLAGS ?=
CODE := control_plane agent shared tests

.PHONY: help up demo test check format bench faults schema openapi clean

help: ## show what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Farwatch needs Python 3.11 or newer on PATH, or PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Making a virtual environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing: on Debian, apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.server: pyproject.toml | $(BIN)/python
	@echo "Installing Farwatch and what it needs …"
	@$(PIP) -e '.[server]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.server
	@echo "Installing what the tests need …"
	@$(PIP) -e '.[server,dev]'
	@touch $@

up: $(VENV)/.server ## run everything on this machine: PostgreSQL, control plane, one agent
	@exec $(BIN)/farwatch up $(UP_FLAGS)

demo: $(VENV)/.server ## a made-up ferry line with 90 days behind it, and outages to watch
	@exec $(BIN)/farwatch demo $(UP_FLAGS)

test: $(VENV)/.dev ## all tests, browser tests included where Chromium is or may be installed
	@tests/support/get-packages
	@$(BIN)/pytest -n 3 --dist worksteal $(TEST_FLAGS) tests

check: $(VENV)/.dev ## ruff, mypy, import contracts, unit and architecture tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -p no:cacheprovider tests/unit tests/architecture

format: $(VENV)/.dev ## put every file into its form
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format $(CODE)

bench: $(VENV)/.dev ## measure: results go to docs/benchmarks.md
	$(BIN)/python -m tests.bench $(BENCH_FLAGS)

faults: $(VENV)/.dev ## the long fault runs
	TEST_FARWATCH_AGENT_KILLS=20 TEST_FARWATCH_AGENT_STALLS=5 TEST_FARWATCH_SPOOLED_ITEMS=1440000 \
	TEST_FARWATCH_KILL_ROUNDS=10 TEST_FARWATCH_SIMULATED_DAYS=200 TEST_FARWATCH_MUTANTS=all TEST_FARWATCH_DECIDING_CYCLES=5000 TEST_FARWATCH_DECIDING_ROUNDS=10000 \
	TEST_FARWATCH_FUZZ_REQUESTS=300 TEST_FARWATCH_UPSTREAM_ROUNDS=2000 TEST_FARWATCH_INCIDENT_LIVES=1500 \
	TEST_FARWATCH_PINGS=10000 TEST_FARWATCH_MASS_OUTAGE=2000 TEST_FARWATCH_DELIVERY_KILLS=1000 $(BIN)/pytest -n 2 \
		tests/faults tests/e2e tests/simulation tests/integration/deliveries/test_killed_workers.py \
		tests/integration/services/test_deciding_together.py tests/integration/services/test_upstreams.py \
		tests/property/test_incident_life.py tests/integration/heartbeats/test_bursts.py tests/contract/test_schemathesis.py $(TEST_FLAGS)

schema: $(VENV)/.dev ## write sql/schema.sql anew from the migrations
	$(BIN)/python -m tests.support.schema

openapi: $(VENV)/.dev ## write tests/contract/openapi.json anew from the routes
	$(BIN)/python -m tests.support.write_openapi

clean: ## remove what make made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
