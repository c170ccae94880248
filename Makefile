# Everything runs in .venv, which make builds from the pins on first use. Another Python: make demo PYTHON=python3.12
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
DEMO := --data mnist5k --limit macs=3M --epochs 5 --time 2m --seed 0 --study demo

.PHONY: help demo test check bench pins clean .venv
help:
	@echo "make demo    tune a small network on 5,000 handwritten digits (installs .venv first)"
	@echo "make test    run all tests"
	@echo "make check   ruff, ruff format, mypy --strict"
	@echo "make bench   measure what README and docs state"
	@echo "make .venv   install everything for development"
	@echo "make pins    resolve the dependencies anew and write requirements*.txt"
	@echo "make clean   remove .venv, caches and builds; studies and mlflow.db stay"

demo: .venv/.runtime
	@$(BIN)/convtune tune $(DEMO)

# As many processes as tests/conftest.py says; each runs whole files, since tests of a file share what is dear to make.
# ARGS="-n 0 --pdb" runs them in one.
test: .venv/.dev
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: .venv/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict pipeline

bench: .venv/.dev
	@for script in bench/*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

clean:
	rm -rf .venv build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv: .venv/.dev

# The pinned TensorFlow has no build for Python 3.14.
IN_RANGE := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
USABLE := $(BIN)/python -c "import pip; $(IN_RANGE)" 2>/dev/null
FOUND = $$(command -v $(PYTHON) >/dev/null && $(PYTHON) --version 2>&1 || echo none)

# A stamp is touched only when everything before it went well, so a broken install is tried again;
# so is one whose Python has gone or was too old.
.venv/.runtime: requirements.txt pyproject.toml $(shell $(USABLE) || echo anew)
	@$(USABLE) || { $(call make_venv,.venv); }
	@echo "Installing convtune's pinned dependencies into .venv (TensorFlow is large: a minute or more)"
	@$(INSTALL) -r requirements.txt
	@$(INSTALL) --no-deps -e .
	@touch $@

.venv/.dev: .venv/.runtime requirements-dev.txt
	@echo "Installing what tests and checks need into .venv"
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

.PHONY: anew
anew:

define make_venv
$(PYTHON) -c "$(IN_RANGE)" 2>/dev/null \
|| { echo "$(PYTHON): expected Python 3.11 to 3.13, found $(FOUND); name another: make PYTHON=python3.12 ..." >&2; exit 1; }; \
$(PYTHON) -c "import venv, ensurepip" 2>/dev/null \
|| { echo "$(PYTHON) lacks its venv module; install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }; \
$(PYTHON) -m venv --clear $(1)
endef

# TensorFlow needs setuptools and wheel; pip freeze hides them without --all.
FREEZE = build/pins/bin/python -m pip freeze --all --exclude pip --exclude convtune

pins:
	@$(call make_venv,build/pins)
	build/pins/bin/python -m pip install --quiet --upgrade pip setuptools
	build/pins/bin/python -m pip install --quiet .
	$(FREEZE) > build/runtime.txt
	build/pins/bin/python -m pip install --quiet --constraint build/runtime.txt ".[jax,onnx,litert,postgresql,ray]" --group dev
	$(FREEZE) > build/dev.txt
	{ echo "# What convtune runs with, pinned by make pins"; cat build/runtime.txt; } > requirements.txt
	{ echo "# What tests and checks need besides, pinned by make pins"; echo "-r requirements.txt"; \
	grep -vxFf build/runtime.txt build/dev.txt; } > requirements-dev.txt
	rm -rf build
