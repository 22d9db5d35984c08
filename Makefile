# `make study` answers a first question; `make check` and `make test` are what CI runs.
PYTHON ?= python3
PIP := .venv/bin/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install -qq -c constraints.txt

# Three tests at a time, those of a file one after the other, since they share what is made for the file; and those that
# start clusters and servers in two chains of one after the other, beside all the rest (tests/conftest.py): they wait for a
# third of their time. Each has one thread: two of them with two threads each would wait for each other at every small
# product.
PYTEST := OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
timed = began=$$(date +%s); $(1); code=$$?; echo "make $@ took $$(($$(date +%s) - began)) s"; exit $$code

.DEFAULT_GOAL := help
.PHONY: help study quick test examples check docs chaos bench heuristics gate calibrate schema constraints clean

help:
	@echo "make study        install Slalom into .venv and run the study digits-optimizers"
	@echo "make quick        run some of each room's tests, without a Ray cluster, browser or PostgreSQL (minutes)"
	@echo "make test         run the whole test suite (half an hour)"
	@echo "make examples     run what the documents show of Lightning, Hugging Face and XGBoost (minutes; installs them)"
	@echo "make check        lint, format, types, documents"
	@echo "make docs         make the documentation's site in build/docs; a dead link fails"
	@echo "make chaos        kill, stop, fill and cut what a study stands on, and write docs/reliability.md's table again"
	@echo "make bench        measure against its peers (45 minutes; ONLY=mixture for a part, QUICK=1)"
	@echo "make heuristics   run the bundled studies and write docs/heuristics.md again (three quarters of an hour)"
	@echo "make gate         measure the regression gate, and write docs/regression.md's table again (ten minutes)"
	@echo "make calibrate    measure how often verdicts are wrong, and write docs/verdicts.md's table again (two hours)"
	@echo "make schema       write docs/study.schema.json again"
	@echo "make constraints  write constraints.txt again, from what .venv holds"
	@echo "make clean        remove what these make, .venv included; slalom-home stays"

study: .venv/slalom
	@.venv/bin/slalom run digits-optimizers

quick: .venv/dev
	@echo "quick tests"
	@$(call timed,$(PYTEST) -m "not slow and not thorough")

test: .venv/dev
	@echo "tests"
	@$(call timed,$(PYTEST))

examples: .venv/examples
	@echo "examples"
	@$(call timed,OMP_NUM_THREADS=1 .venv/bin/python -m pytest tests/repository/library_examples.py)

check: .venv/dev
	@echo "lint"
	@.venv/bin/ruff check .
	@echo "format"
	@.venv/bin/ruff format --check .
	@echo "types"
	@.venv/bin/mypy
	@echo "documents"
	@.venv/bin/python -m pytest -q tests/repository/test_documents.py

docs: .venv/docs
	@.venv/bin/python -m sphinx -q -n -W --keep-going -c docs -d build/docs-cache . build/docs
	@echo "build/docs/index.html"

bench: .venv/bench
	@.venv/bin/python -m tests.benchmarks.bench $(if $(ONLY),--only $(ONLY)) $(if $(AGAINST),--against $(AGAINST)) $(if $(QUICK),--quick)
ifeq ($(ONLY)$(AGAINST)$(QUICK),)
	@.venv/bin/python tests/benchmarks/bookkeeping.py
	@.venv/bin/python tests/benchmarks/scale.py
	@.venv/bin/python tests/benchmarks/fleet.py
	@.venv/bin/python tests/benchmarks/batch.py
endif

chaos: .venv/dev
	@OMP_NUM_THREADS=1 .venv/bin/python -m tests.chaos.chaos

heuristics: .venv/bench
	@.venv/bin/python -m tests.benchmarks.heuristics

gate: .venv/dev
	@OMP_NUM_THREADS=1 .venv/bin/python -m tests.benchmarks.gate

calibrate: .venv/dev
	@OMP_NUM_THREADS=1 .venv/bin/python -m tests.benchmarks.calibrate

schema: .venv/slalom
	@.venv/bin/slalom schema > docs/study.schema.json

constraints: .venv/dev .venv/bench
	@grep '^#' constraints.txt > .venv/constraints
	@$(PIP) freeze --exclude slalom | sed -n 's/^\([^#@ +]*\).*/\1/p' | grep == >> .venv/constraints
	@mv .venv/constraints constraints.txt

clean:
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is made again when what is to be installed changes.
.venv/slalom: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Slalom needs Python 3.11, but $(PYTHON) is " + sys.version)'
	@test -x .venv/bin/python || { echo "making .venv with $(PYTHON)"; $(PYTHON) -m venv .venv; }
	@echo "installing Slalom into .venv (minutes at the first time)"
	@$(INSTALL) -e .
	@touch $@

.venv/dev: .venv/slalom
	@echo "installing the tools for tests and checks into .venv"
	@$(INSTALL) -e '.[dev]'
	@touch $@

.venv/examples: .venv/dev
	@echo "installing the examples' libraries into .venv"
	@$(INSTALL) -e '.[examples]'
	@touch $@

.venv/docs: .venv/slalom
	@echo "installing Sphinx into .venv"
	@$(INSTALL) -e '.[docs]'
	@touch $@

.venv/bench: .venv/slalom
	@echo "installing the peers for the benchmarks into .venv"
	@$(INSTALL) -e '.[bench]'
	@touch $@
