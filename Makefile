# `make demo` and `make test` need Python 3.11 or later and a Python package index, nothing else.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# The first interpreter that runs, is new enough and can make virtual environments; `make PYTHON=... test` overrides it.
FITS := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	"$$name" -c "$(FITS)" >/dev/null 2>&1 && { echo "$$name"; break; }; done)

.PHONY: help demo test lint cluster bench clean

help:
	@echo "make demo      install into $(VENV), scan the demo cluster, write kubeaudit-demo.html and .json"
	@echo "make test      install with the development tools and run the tests (more options: make test ARGS='-k rbac')"
	@echo "make lint      ruff, mypy and the layers of setup.cfg"
	@echo "make cluster   build the API server that the tests in tests/cluster need (Go; about 6 minutes, once)"
	@echo "make bench     measure whole scans (sizes in pods: make bench ARGS='500 5000')"
	@echo "make clean     remove $(VENV) and what builds leave behind"

demo: $(VENV)/installed
	$(BIN)/kubeaudit demo

# A file is one worker's, so that fixtures of a module are made once; ARGS='-n 0' runs everything in one process.
test: $(VENV)/developed
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

lint: $(VENV)/developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

cluster: $(VENV)/created
	$(BIN)/python tests/cluster/build.py

bench: $(VENV)/developed
	$(BIN)/python benchmarks/scan.py $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info

$(VENV)/created:
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or later with the venv module on PATH" >&2; \
		echo "hint: install one (Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3 demo" >&2; exit 1; }
	@echo "making $(VENV) with $(PYTHON), $$($(PYTHON) --version)"
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Editable: the tree is what runs, and no stale build/ folder can ship files that were deleted since.
$(VENV)/installed: $(VENV)/created setup.cfg pyproject.toml
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/developed: $(VENV)/created setup.cfg pyproject.toml
	$(PIP) install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/installed
