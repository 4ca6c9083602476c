# One command does all the set-up: `make install` to work with it, `make demo` to see it, `make test` to change it.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTS := -m pytest -q -n auto --dist worksteal
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Without its bytecode cached, each process that a test starts would compile the engine again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo test integration coverage format lint check docs release-check bench chaos fuzz soak year collections proof vendor pictures lock clean
.DEFAULT_GOAL := help

help: ## list these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "python3 3.11 or newer is needed; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/demo: requirements/demo.txt pyproject.toml | $(VENV)/python
	@echo "Installing into $(VENV) ..."
	@$(INSTALL) --require-hashes -r requirements/demo.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/demo
	@echo "Installing the development tools into $(VENV) ..."
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/installed: requirements/runtime.txt $(VENV)/demo
	@$(INSTALL) --require-hashes -r requirements/runtime.txt
	@touch $@

install: $(VENV)/installed ## the command with its pages and metrics, packages held to their hashes
	@$(BIN)/reconciler --version
	@echo 'Next: . $(CURDIR)/$(BIN)/activate'

demo: $(VENV)/demo ## a tour against the embedded emulator: apply, drift, its correction
	@$(BIN)/reconciler demo

test: $(VENV)/dev ## the whole test suite
	@$(BIN)/python $(TESTS)

$(VENV)/uv: requirements/lock.txt | $(VENV)/python
	@$(INSTALL) --require-hashes -r requirements/lock.txt
	@touch $@

integration: $(VENV)/dev $(VENV)/uv ## real counterparts, as far as they can be had; lists those that cannot (2 minutes; 1 GB)
	@$(BIN)/python tools/counterparts.py
	@$(BIN)/python -m pytest -q -n auto --maxschedchunk 1 --limit 300 tests/integration

coverage: $(VENV)/dev ## the tests, which must cover at least 98 % of all lines and branches
	@rm -f .coverage .coverage.*
	@# Tracing branches makes a test up to three times slower; the browser looks at pages that other tests render too.
	@$(BIN)/coverage run $(TESTS) --limit 30 --ignore tests/render/browser
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

format: $(VENV)/dev ## the code in its layout, and what ruff can fix
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format --quiet .

lint: $(VENV)/dev ## format, lint, types, layers and schemas: every check that runs nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --check-metaschema schemas/*.json
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml deploy/github/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows examples/gitops-repo/.github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci deploy/gitlab/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/dask/compose.yml
	$(BIN)/check-jsonschema --schemafile schemas/keys.schema.json examples/keys.yaml examples/gitops-repo/environments/*/*.yaml
	$(BIN)/check-jsonschema --schemafile schemas/config.schema.json examples/reconciler.yaml examples/apis/reconciler.yaml

check: lint ## every check: the above, and the tests with their coverage
	$(MAKE) coverage

docs: $(VENV)/uv ## the site, in build/site: complete without a network, and every link of it checked
	@$(BIN)/python tools/counterparts.py zensical
	@$(BIN)/python tools/build_site.py build/site
	@echo "file://$(CURDIR)/build/site/index.html"

release-check: $(VENV)/dev $(VENV)/uv ## version, changelog and locks are ready for a release
	@$(BIN)/python tools/release.py check
	@$(BIN)/python tools/locks.py --check

bench: $(VENV)/dev ## the budgets, as ratios measured in one run
	@$(BIN)/python tools/bench.py

chaos: $(VENV)/dev ## faults, kills and concurrent writers, with figures (minutes)
	@$(BIN)/python tools/chaos.py

fuzz: $(VENV)/dev ## 100,000 inputs, 10,000 responses, the emulator's API, 20,000 edits, properties, with figures (minutes)
	@$(BIN)/python tools/fuzz_all.py

soak: $(VENV)/dev ## 10,000 rounds of a drift service on a fake clock, with figures (minutes)
	@$(BIN)/python tools/soak.py

year: $(VENV)/dev ## a year of renewals and rotations on a made-up clock, with figures (minutes)
	@$(BIN)/python tools/year.py

collections: $(VENV)/dev ## how many collections of the descriptions in the folder OPENAPI can be kinds
	@$(BIN)/python tools/measure_collections.py $(OPENAPI)

proof: $(VENV)/dev ## the drafts of all collections in the folder OPENAPI, end to end on servers made from it (minutes)
	@$(BIN)/python tools/prove_collections.py $(OPENAPI)

vendor: $(VENV)/dev ## the vendor SDK's own tests of these paths, against the emulator (minutes)
	@$(BIN)/python tools/vendor_suite.py

pictures: $(VENV)/dev ## the pictures of the documentation, from what the commands print
	@$(BIN)/python tools/pictures.py

lock: $(VENV)/uv ## pin the requirements again
	@$(BIN)/python tools/locks.py
	@cd requirements/integration/npm && npm update --package-lock-only --ignore-scripts \
		--omit-lockfile-registry-resolved --no-audit --no-fund

clean: ## remove the virtual environment and every cache
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.*
