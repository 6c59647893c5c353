# `make demo` and `make test` set up everything they need; a machine needs Python >= 3.10 with venv and pip.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
TORCH := torch==2.13.0
READY := $(VENV)/.ready

.PHONY: setup demo test lint clean

setup: $(READY)

# torch is pinned in the same call as all that depends on it: otherwise pip takes a build with CUDA.
# lava-nc declares Python < 3.11 and numpy < 2, so it is installed without its own requirements.
$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH) -e '.[all,dev]'
	$(BIN)/neurodeploy doctor --fix --quiet
	touch $(READY)

demo: $(READY)
	PATH="$(abspath $(BIN)):$$PATH" sh examples/demo.sh

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest

clean:
	rm -rf $(VENV) build dist *.egg-info demo-out
