# Everything a person does here starts with `make`. A new machine needs Python 3.11+, Node 20+ and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
EMULATOR := .venv-emulator
BIN := $(VENV)/bin
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install test check

install: $(VENV)/.done $(EMULATOR)/.done

$(VENV)/.done: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.9
	$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements.txt
	touch $@

# ministack pins its own botocore, and Lambda code runs under its interpreter: an environment of its own.
$(EMULATOR)/.done: requirements-emulator.txt $(VENV)/.done
	$(PYTHON) -m venv --without-pip $(EMULATOR)
	$(BIN)/uv pip sync --quiet --python $(EMULATOR)/bin/python requirements-emulator.txt
	touch $@
