# Everything that is done to this repository, by name. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# A shell that forbids Python to keep what it compiled would have every process of ours compile it anew, for seconds. What
# is installed is compiled then, and ours the first time.
unexport PYTHONDONTWRITEBYTECODE
export UV_COMPILE_BYTECODE := 1

PYTHON ?= python3
PORT ?= 8080

# The data folder of `make serve`. As root, the private PostgreSQL runs as another user, who must be able to get there: a
# checkout below a closed folder (a home of mode 0700) keeps its data in the system's place instead.
DATA ?= $(shell folder="$(CURDIR)"; \
	if [ "$$(id -u)" = 0 ]; then while [ "$$folder" != / ]; do \
	case "$$(stat -c %A "$$folder")" in (*x|*t) ;; (*) echo /var/lib/pinakes; exit;; esac; folder="$$(dirname "$$folder")"; \
	done; fi; echo "$(CURDIR)/data")

UV_VERSION := 0.13.8
UV := .cache/uv/bin/uv
BIN := .venv/bin
# Environments of clients that ours has no place for, the older ones and one whose pins clash with ours: each is made of
# its lock.
HF_OLD_LOCK := tests/clients/huggingface/requirements-1.29.lock
WANDB_OLD_LOCK := tests/clients/wandb/requirements-0.28.lock
SUPERVISELY_LOCK := tests/clients/supervisely/requirements.lock

# Each environment has a stamp: it is made again when its lock changes, and nothing is done when it has not.
LOCKED := .venv/.locked
VENV := .venv/.installed
CLIENTS := .clients/hf-1.29/.stamp .clients/wandb-0.28/.stamp .clients/supervisely-6.74/.stamp

# A third of the time a test waits, for a process to start or a lease to run out: one more process than there are cores.
WORKERS ?= $(shell cores=$$(nproc 2>/dev/null || sysctl -n hw.ncpu); echo $$(( cores < 7 ? cores + 1 : 8 )))

.PHONY: help setup serve dev test clients test-fast test-queue check fix bench docs demo schema lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV) ## make .venv with everything that development takes

serve: $(VENV) ## serve on PORT (8080), with the data in DATA
	$(BIN)/pinakes serve --port $(PORT) --data "$(DATA)"

dev: $(VENV) ## serve, and start anew whenever the code changes
	PINAKES_LOG_LEVEL=debug $(BIN)/pinakes serve --port $(PORT) --data "$(DATA)" --reload

test: $(VENV) ## every check and every test
	$(MAKE) --no-print-directory -j 2 check clients
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup

# What has a real database and the whole application, but no server, no client and no other wire: a third of all tests.
INNER := tests/unit tests/migrations tests/permissions/test_matrix.py tests/wires/native

test-fast: $(VENV) ## the tests of the inner loop, in one to two minutes
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not slow" $(INNER)

# The clients that the tests drive beside those of .venv, each in an environment of its own.
clients: $(CLIENTS)

test-queue: $(VENV) ## a queue of 20,000 items worked off while the server is killed twice (takes its time)
	PINAKES_TEST_QUEUE_ITEMS=20000 $(BIN)/pytest tests/clients/crash/test_queue_crash.py

check: $(VENV) ## style, types, who imports whom, migrations
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/squawk --config .squawk.toml src/pinakes/server/migrations/[0-9]*.sql

fix: $(VENV) ## put in order what can be by itself
	$(BIN)/python scripts/generate_sync.py
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV) ## measure (minutes; nothing else should run meanwhile)
	$(BIN)/python -m bench

docs: $(VENV) ## write the generated pages of docs/reference anew
	$(BIN)/python scripts/reference.py

demo: $(VENV) .clients/supervisely-6.74/.stamp ## serve with example content
	$(BIN)/python examples/demo/run.py --port $(PORT)

schema: $(VENV) ## write schema.sql anew from the migrations
	$(BIN)/python scripts/schema.py

lock: $(UV) ## resolve the dependencies anew
	$(UV) pip compile pyproject.toml --extra server --extra frames --group dev --upgrade \
		--generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements.lock
	$(UV) pip compile $(HF_OLD_LOCK:.lock=.in) --upgrade \
		--generate-hashes --no-header --no-annotate --no-emit-index-url -o $(HF_OLD_LOCK)
	$(UV) pip compile $(WANDB_OLD_LOCK:.lock=.in) --upgrade \
		--generate-hashes --no-header --no-annotate --no-emit-index-url -o $(WANDB_OLD_LOCK)
	$(UV) pip compile $(SUPERVISELY_LOCK:.lock=.in) --upgrade \
		--generate-hashes --no-header --no-annotate --no-emit-index-url -o $(SUPERVISELY_LOCK)

clean: ## remove the environments and caches (never the data)
	rm -rf .venv .clients .cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(UV):
	$(PYTHON) -m venv .cache/uv
	.cache/uv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@touch $@

$(LOCKED): requirements.lock | $(UV)
	test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	$(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock
	@touch $@

$(VENV): pyproject.toml $(LOCKED) | $(UV)
	$(UV) pip install --quiet --no-deps --python $(BIN)/python -e .
	@touch $@

.clients/hf-1.29/.stamp: $(HF_OLD_LOCK)
.clients/wandb-0.28/.stamp: $(WANDB_OLD_LOCK)
.clients/supervisely-6.74/.stamp: $(SUPERVISELY_LOCK)
$(CLIENTS): | $(UV)
	test -x $(@D)/bin/python || $(UV) venv --quiet --python $(PYTHON) $(@D)
	$(UV) pip sync --quiet --require-hashes --python $(@D)/bin/python $<
	@touch $@
