# What a planner and an engineer need most. `make` alone lists the targets.
PYTHON ?= python3
VENV ?= .venv
PLAN ?= hainan-2020
OUT ?= out/$(PLAN)
NOTEBOOKS ?= examples

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help appendix test lint format schema notebooks bench statistical clean distclean

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

appendix: $(VENV)/.installed ## write the feasibility appendix of a plan: PLAN=hainan-2020 OUT=out/hainan-2020
	@$(BIN)/qsim appendix "$(PLAN)" -o "$(OUT)"
	@echo "The appendix of $(PLAN) is in $(OUT):"
	@ls "$(OUT)" | sed 's/^/  /'

test: $(VENV)/.installed-test ## run the fast tests
	@$(BIN)/python -m pytest -q

lint: $(VENV)/.installed-dev ## check style, types and the import contract
	@$(BIN)/ruff check --quiet --output-format concise
	@$(BIN)/ruff format --check --quiet || { echo "run make format"; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(VENV)/.installed-dev ## put files into the house format
	@$(BIN)/ruff check --quiet --fix
	@$(BIN)/ruff format --quiet

schema: $(VENV)/.installed ## write the JSON Schemas of the YAML files to docs/schemas
	@$(BIN)/qsim schema -o docs/schemas

notebooks: $(VENV)/.installed-docs ## run the notebooks of examples/ and write their .ipynb twins
	@$(BIN)/python tools/notebooks.py --to "$(NOTEBOOKS)"

bench: $(VENV)/.installed ## measure time and memory of an appendix (many series: tests/benchmarks/README.md)
	@$(BIN)/python tests/benchmarks/bench_appendix.py

statistical: $(VENV)/.installed-test ## run the tests that need many seeds (minutes)
	@$(BIN)/python -m pytest -q tests/statistical

clean: ## remove what was written, keep the environment
	@rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find qsim tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove the environment too
	@rm -rf $(VENV)

# One stamp per set of packages: a second run installs nothing unless pyproject.toml has changed.
$(VENV)/.installed: EXTRA =
$(VENV)/.installed-test: EXTRA = [test]
$(VENV)/.installed-dev: EXTRA = [dev]
$(VENV)/.installed-docs: EXTRA = [docs]
$(VENV)/.installed $(VENV)/.installed-test $(VENV)/.installed-dev $(VENV)/.installed-docs: pyproject.toml | $(BIN)/python
	@echo "Installing qsim$(EXTRA) into $(VENV); the first time this takes some minutes."
	@$(PIP) install -e ".$(EXTRA)"
	@touch $@

$(BIN)/python:
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "No $(PYTHON) here. Install Python 3.11, 3.12 or 3.13, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	  echo "qsim needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$("$(PYTHON)" -V 2>&1). Name another: make PYTHON=python3.12"; \
	  exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) comes without the venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@"$(PYTHON)" -m venv "$(VENV)"
