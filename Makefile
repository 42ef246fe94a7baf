# Everything runs in .venv, which this file makes and keeps up to date.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo test laws lint bench chaos messages lock

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(VENV)/.runtime ## run app, worker and emulator on this machine (PORT, EMULATOR_PORT)
	@$(RUN) scripts/demo.py

test: $(VENV)/.dev ## run all tests on SQLite, and again on PostgreSQL where one answers
	@$(RUN) scripts/run_tests.py

laws: $(VENV)/.dev ## run the laws of applying with 1,000 examples, as CI does
	@HYPOTHESIS_PROFILE=long $(RUN) scripts/run_tests.py --at-once \
		social_integrations/tests/services/test_laws.py \
		social_integrations/tests/services/test_send_laws.py

lint: $(VENV)/.dev ## check style, types, missing migrations and the deployment settings
	@$(RUN) scripts/run_lint.py

bench: $(VENV)/.dev ## measure against a bare view; see docs/performance.md
	@$(RUN) scripts/bench

chaos: $(VENV)/.dev ## break things while receiving; see docs/chaos.md (RECIPES, DELIVERIES, DATABASE)
	@$(RUN) scripts/chaos $(RECIPES) $(if $(DELIVERIES),--deliveries $(DELIVERIES)) \
		$(if $(DATABASE),--database $(DATABASE))

messages: $(VENV)/.dev ## collect and compile what is translated; needs GNU gettext
	@$(RUN) -P scripts/make_messages.py

lock: ## pin all dependencies again, with hashes
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --python-version 3.11 \
		--custom-compile-command "make lock" requirements.in -o requirements.txt
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --python-version 3.11 \
		--custom-compile-command "make lock" requirements-dev.in -o requirements-dev.txt

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: PYTHON=python3.11 make demo"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "The virtual environment could not be made (on Debian: apt install python3-venv)."; exit 1; }

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	@echo "Installing what the app needs ..."
	@$(RUN) -m pip install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(VENV)/bin/python
	@echo "Installing what the tests need ..."
	@$(RUN) -m pip install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.runtime
