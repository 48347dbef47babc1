# Needs Python 3.11 or newer and make; everything else comes from PyPI and npm.
PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=
# Processes that run tests side by side, each with servers of its own.
WORKERS ?= 3
BENCH_ARGS ?=

PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
PEERS := $(VENV)/.peers
BUNDLE := sa_notify/web/static/sa_notify.js
CLIENT := $(shell find sa_notify/client -name node_modules -prune -o -type f \( -name '*.js' -o -name '*.json' -o -name bundle.py \) -print)
# Two names: pip 25.3 and later reads the second for what a build needs.
PINNED := PIP_CONSTRAINT=$(CURDIR)/constraints.txt PIP_BUILD_CONSTRAINT=$(CURDIR)/constraints.txt \
	PIP_DISABLE_PIP_VERSION_CHECK=1

.DEFAULT_GOAL := help
.PHONY: help install js check test test-matrix faults oracle-service seeded-bugs demo demo-clean bench bench-capture bench-delivery bench-dispatch bench-reconnect bench-peers lock clean bench-live oracle oracle-bugs admin-proof

help: ## Show what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 17

install: $(INSTALLED) ## Make .venv and install everything into it

js: $(BUNDLE) ## Build the browser library

check: $(INSTALLED) ## Lint, types, architecture
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

test: $(INSTALLED) $(BUNDLE) ## Run all tests; PYTEST_ARGS are passed on
	chromium="$$($(PY) tools/chromium.py --install)" && \
		SA_NOTIFY_CHROMIUM="$$chromium" $(PY) -m pytest -n $(WORKERS) $(PYTEST_ARGS)

test-matrix: $(INSTALLED) ## Migrations over versions; ALEMBIC="1.16 newest" SQLALCHEMY=2.1 PYTHONS="3.11 3.12"
	PIP_DISABLE_PIP_VERSION_CHECK=1 $(VENV)/bin/nox --session migrations -- $(PYTEST_ARGS)

faults: $(INSTALLED) $(BUNDLE) ## Break everything in turn; SECONDS=1800 SEED=7 DELIVERY=notify, REPORT=docs/faults.md keeps the report
	@chromium=$$($(PY) tools/chromium.py --install) && $(if $(DELIVERY),SA_NOTIFY_DELIVERY=$(DELIVERY)) \
		SA_NOTIFY_CHROMIUM="$$chromium" $(PY) -m tests.faults --seconds $(or $(SECONDS),300) \
		$(if $(SEED),--seed $(SEED)) $(if $(REPORT),--report $(REPORT))

oracle: $(INSTALLED) ## Windows against SQL under random writes; SIZE=60 minutes, SEED=7; what fails is cut down and added to the tests
	$(PY) -m tests.oracle --minutes $(or $(SIZE),2) $(if $(SEED),--seed $(SEED))

oracle-bugs: $(INSTALLED) ## Seed each known kind of bug and see it caught; ONLY=total, SINCE=the_first_to_try
	$(PY) -m tests.oracle.hunt $(if $(ONLY),--only $(ONLY)) $(if $(SINCE),--since $(SINCE))

admin-proof: $(INSTALLED) $(BUNDLE) ## Generated Flask-Admin lists against reloads; SIZE=30 ROUNDS=9 SEED=7
	@chromium=$$($(PY) tools/chromium.py --install) && \
		SA_NOTIFY_CHROMIUM="$$chromium" $(PY) -m tests.admin_proof $(if $(SIZE),--size $(SIZE)) \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED))

oracle-service: $(INSTALLED) ## Windows against SQL while dispatchers are killed; BATCHES=50 SEED=7
	$(PY) -m tests.faults.oracle --batches $(or $(BATCHES),50) $(if $(SEED),--seed $(SEED))

seeded-bugs: $(INSTALLED) $(BUNDLE) ## Break the code in some fifty ways; each has to be found; ONLY, SINCE=part of a name
	$(PY) -m tests.faults.seeded $(if $(ONLY),--only "$(ONLY)") $(if $(SINCE),--since "$(SINCE)")

demo: $(INSTALLED) $(BUNDLE) ## Run the demo until Ctrl-C; PORT=8080 chooses the port
	@$(PY) -m demo

demo-clean: ## Remove the demo's data
	$(PYTHON) -m demo.rooms

bench: $(INSTALLED) ## Measure commit to client; BENCH_ARGS are passed on
	$(PY) -m benchmarks.latency $(BENCH_ARGS)

bench-capture: $(PEERS) ## Measure what capture costs the writer, beside other packages; BENCH_ARGS too
	$(PY) -m benchmarks.capture $(BENCH_ARGS)

bench-delivery: $(INSTALLED) ## Measure the outbox beside NOTIFY: slow disk, latency, reading; BENCH_ARGS too
	$(PY) -m benchmarks.delivery $(BENCH_ARGS)

bench-dispatch: $(INSTALLED) ## Measure the dispatcher and the leg through Redis; BENCH_ARGS too
	$(PY) -m benchmarks.dispatch $(BENCH_ARGS)

bench-live: $(INSTALLED) ## Measure live queries by the thousand; BENCH_ARGS="--only idle,storm", "--quick"
	$(PY) -m benchmarks.live $(BENCH_ARGS)

bench-reconnect: $(INSTALLED) ## Measure how two thousand clients come back; BENCH_ARGS too
	$(PY) -m benchmarks.reconnect $(BENCH_ARGS)

bench-peers: $(INSTALLED) $(BUNDLE) ## Measure 1,000 clients, beside polling and emitting by hand; BENCH_ARGS too
	$(PY) -m benchmarks.crowd $(BENCH_ARGS)

lock: $(INSTALLED) ## Write constraints.txt anew, with today's versions
	$(PY) tools/lock.py

clean: ## Remove everything that was made, the demo's data too
	$(PYTHON) -m demo.rooms
	rm -rf $(VENV) .artifacts build dist *.egg-info sa_notify/client/node_modules $(BUNDLE) $(BUNDLE).map
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ...")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "no virtual environment could be made: install python3-venv (Debian, Ubuntu)" >&2; exit 1; }

$(INSTALLED): pyproject.toml setup.py constraints.txt | $(PY)
	$(PINNED) $(PY) -m pip install --quiet --editable '.[dev]'
	@touch $@

# psycopg2-pgevents asks for pytest 5 at run time, which its triggers don't need.
$(PEERS): $(INSTALLED)
	$(PINNED) $(PY) -m pip install --quiet --editable '.[dev,bench]'
	$(PINNED) $(PY) -m pip install --quiet --no-deps psycopg2-pgevents==0.2.2
	@touch $@

$(BUNDLE): $(CLIENT) | $(INSTALLED)
	$(PY) sa_notify/client/bundle.py
	@touch $@
