# make demo: a drawn patient, the whole way, in a minute.
# make test: a virtual environment of its own, then lint, types and tests.
# The conversion tests need torch: make test EXTRAS=dev,convert,coreml

comma := ,
PYTHON ?= python3
EXTRAS ?= dev
VENV ?= .venv
# Tests of one file stay together; most of the first ones wait more than they compute. One process:
# make test PROCESSES=0
PROCESSES ?= 4
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed-$(subst $(comma),-,$(EXTRAS))

.PHONY: test demo lint types clean

demo: $(VENV)/.installed-
	$(BIN)/facemirror demo

test: lint types
	$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder $(PYTEST)

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(INSTALLED)
	$(BIN)/mypy

$(VENV)/.installed-%: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[$(subst -,$(comma),$*)]'
	touch $@

$(VENV)/.installed-: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e .
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
