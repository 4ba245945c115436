# make demo   set everything up, draw a picture, encode it, decode it, compare; results in demo/
# make test   set everything up, run the tests
# make check  what CI runs besides the tests: lint and types

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

.PHONY: demo test check clean

demo: $(READY)
	$(VENV)/bin/python benchmarks/demo/run.py demo

test: $(READY)
	$(VENV)/bin/python -m pytest -n auto

check: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# pip is quiet on success; the stamp is made last, so that an interrupted set-up starts again
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
