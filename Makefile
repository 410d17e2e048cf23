# What each target does: make help
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Where it is set, each process compiles every module again, and each process of the tests every test.
unexport PYTHONDONTWRITEBYTECODE
EVERYDAY := $(BIN)/python -m pytest -n 2 --dist loadscope -m "not slow"

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  \1\t\2/'

setup: $(READY)  ## create .venv and install recsys with its development tools, at pinned versions

$(READY): pyproject.toml constraints.txt
	@echo "== creating $(VENV) and installing"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

train: $(READY)  ## train on the embedded data and print how good the model is
	@echo "== training on data/movielens-small"
	$(BIN)/recsys train --config configs/movielens-small.yaml

test: $(READY)  ## run the everyday tests; with COVER=1, check that they reach the code
	@echo "== tests"
	$(EVERYDAY) $(if $(COVER),--cov --cov-report=term:skip-covered --cov-fail-under=94)

slow: $(READY)  ## run the slow tests, and properties on more examples
	@echo "== slow tests"
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "slow or hypothesis" --hypothesis-profile=thorough

lint: $(READY)  ## check format, lint and import rules
	@echo "== format, lint, import rules"
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

fmt: $(READY)  ## format the code and mend what the linter can mend
	@echo "== formatting"
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

type: $(READY)  ## check types
	@echo "== types"
	$(BIN)/mypy

golden: $(READY)  ## compare every bit of small runs with those of a commit: make golden BASE=COMMIT
	@echo "== golden runs"
	@test -n "$(BASE)" || { echo "name the commit to compare with: make golden BASE=COMMIT"; exit 2; }
	$(BIN)/python -m golden $(BASE) $(if $(ONLY),--only $(ONLY))

faults: $(READY)  ## attack commands and files for hours: make faults ONLY=kills SEED=3 SECONDS=600
	@echo "== faults"
	$(BIN)/python -m faults $(ONLY) $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS))

bench: $(READY)  ## compare speed with other trainers, and write benchmarks/README.md
	@echo "== benchmarks"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python benchmarks

docs: $(READY)  ## write docs/reference from the config schema, the command line and the docstrings
	@echo "== docs/reference"
	$(BIN)/python docs/make_reference.py

clean:  ## remove .venv, caches and build outputs; runs/ stays
	@echo "== cleaning"
	rm -rf $(VENV) build dist .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks golden faults docs -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help setup train test slow lint fmt type golden faults bench docs clean
