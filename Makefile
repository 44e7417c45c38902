# Every task of the project; `make` or `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
DEMO := build/penguins.pellucid

.DEFAULT_GOAL := help
.PHONY: help demo test test-oldest lint types bench bench-tables bench-serving reference tutorials wheels sanitize clean

help: ## List every task, one line each
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.venv/demo: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[standard]'
	touch $@

.venv/dev: .venv/demo
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

demo: .venv/demo ## Train, evaluate, save and predict on a small real table
	mkdir -p build
	$(BIN)/pellucid train examples/penguins.csv --target species --output $(DEMO) --force
	$(BIN)/pellucid predict $(DEMO) examples/penguins_new.csv

.venv/chromium: .venv/dev
	@command -v chromium || apt-get install --yes --quiet chromium || $(BIN)/python -m playwright install chromium \
	  || echo "no Chromium can be had here: the tests of the playground's page are skipped"
	touch $@

test: .venv/dev .venv/chromium ## Run the whole test suite
	$(BIN)/python -m pytest --numprocesses auto

build/oldest/ready: pyproject.toml
	mkdir -p build
	$(PYTHON) -m venv build/oldest
	build/oldest/bin/python -m pip install --quiet --upgrade pip
	build/oldest/bin/python -m pip install --quiet --group oldest '.[standard]'
	touch $@

test-oldest: build/oldest/ready ## Run the estimators' tests with scikit-learn 1.6, the oldest one supported
	build/oldest/bin/python -m pip install --quiet --no-deps .
	build/oldest/bin/python -m pytest tests/estimators

lint: .venv/dev ## Check style with ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev ## Check types with mypy --strict
	$(BIN)/mypy

build/bench-venv/ready: pyproject.toml
	mkdir -p build
	$(PYTHON) -m venv build/bench-venv
	build/bench-venv/bin/python -m pip install --quiet . scikit-learn torch==2.13.0 jax onnx onnxruntime
	touch $@

bench: build/bench-venv/ready ## Time training beside scikit-learn, PyTorch and JAX, in an environment of its own
	build/bench-venv/bin/python benchmarks/training.py

build/tables-venv/ready: pyproject.toml
	mkdir -p build
	$(PYTHON) -m venv build/tables-venv
	build/tables-venv/bin/python -m pip install --quiet '.[standard]' pandas pyarrow lightgbm catboost
	touch $@

bench-tables: build/tables-venv/ready ## Compare with scikit-learn, LightGBM and CatBoost on the public tables (resumes)
	build/tables-venv/bin/python benchmarks/tables.py

build/serving-venv/ready: pyproject.toml
	mkdir -p build
	$(PYTHON) -m venv build/serving-venv
	build/serving-venv/bin/python -m pip install --quiet '.[standard,serve]' pandas fastapi
	touch $@

bench-serving: build/serving-venv/ready ## Ask servers of Pellucid and of scikit-learn behind FastAPI for predictions
	build/serving-venv/bin/python benchmarks/serving.py

reference: .venv/dev ## Write docs/reference from the classes' declarations
	$(BIN)/python docs/make_reference.py

.venv/wheels: .venv/dev
	$(BIN)/python -m pip install --quiet --group wheels
	touch $@

wheels: .venv/wheels ## Build the wheels of all platforms into dist/, check them, and run those that can run here
	rm -rf dist
	$(BIN)/python tools/wheels.py
	$(BIN)/python tools/run_wheels.py

tutorials: .venv/dev ## Run the programs in docs/tutorials and docs/how-to and write what they print into the pages
	$(BIN)/python docs/make_tutorials.py

sanitize: .venv/dev ## Run the engine's tests against a build with address and undefined-behavior sanitizers (needs GCC)
	CC=gcc $(BIN)/python -m pip install --quiet --no-deps --upgrade --target build/sanitize \
	  --config-settings=cmake.define.PELLUCID_SANITIZE=ON --config-settings=install.strip=false .
	LD_PRELOAD=$$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc \
	  $(BIN)/python tests/engine/with_library.py build/sanitize/pellucid/engine/_native.so \
	  tests/engine/test_parity.py tests/engine/test_tiny.py tests/engine/test_evaluator.py

clean: ## Remove the environment and everything built
	rm -rf .venv build dist
