# `make demo` and `make test` set up everything they need; a machine needs Python >= 3.10 with venv and pip.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
TORCH := torch==2.13.0
READY := $(VENV)/.ready

.PHONY: setup demo test lint docs docs-check package zoo constraints clean

setup: $(READY)

# torch is pinned in the same call as all that depends on it: otherwise pip takes a build with CUDA.
# lava-nc declares Python < 3.11 and numpy < 2, so it is installed without its own requirements.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(TORCH) -e '.[all,dev]'
	$(BIN)/neurodeploy doctor --fix --quiet
	touch $(READY)

demo: $(READY)
	PATH="$(abspath $(BIN)):$$PATH" sh examples/demo.sh

# A copy of 110 tokens (some 12 lines) fails, and one of 150 tokens with other names; imports do not count.
COPIES := $(BIN)/jscpd --min-lines 8 --ignore-pattern '(?m)^(from|import) .*$$' --exit-code 1 --fail-on-empty \
	--no-colors --no-tips --format python neurodeploy targets models tests benchmarks examples docs

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	test -x $(BIN)/jscpd || $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt jscpd
	$(COPIES) --min-tokens 110
	$(COPIES) --min-tokens 150 --ignore-identifiers

# The site in build/docs; a warning is an error.
docs: $(READY)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --fresh-env -q -b html docs build/docs

# Every snippet of the pages, the long ones too, and the examples: some minutes.
docs-check: docs
	NEURODEPLOY_DOCS_CHECK=1 $(BIN)/python -m pytest tests/test_snippets.py tests/test_examples.py

# What the tests leave out of the core fails; code that numba compiles cannot be measured.
test: lint
	$(BIN)/python -m coverage run -m pytest
	$(BIN)/python -m coverage report

# sdist and wheel into dist/, and the wheel in a fresh environment outside of the clone, without any extra.
package: $(READY)
	rm -rf dist build/lib build/bdist.* $(VENV)-package
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[release]'
	$(BIN)/python -m build --quiet
	$(BIN)/python -m twine check --strict dist/*
	$(PYTHON) -m venv $(VENV)-package
	$(VENV)-package/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl
	cd / && "$(abspath $(VENV)-package)/bin/neurodeploy" compile zoo:fmnist-conv --quiet -o "$(abspath $(VENV)-package)/conv.onnx"
	rm -rf $(VENV)-package

# Needs the data of every network of the zoo; trains nothing.
zoo: $(READY)
	$(BIN)/python benchmarks/zoo.py check

# torch has no CPU build of its own name: what its build for CUDA needs is left out.
constraints: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[release]'
	echo '$(TORCH)' | $(BIN)/python -m uv pip compile pyproject.toml --universal --python-version 3.10 --all-extras \
		--constraint - --no-header --no-annotate --quiet | grep -Ev '^(nvidia-|cuda-|triton)' > constraints.txt

clean:
	rm -rf $(VENV) build dist *.egg-info demo-out
