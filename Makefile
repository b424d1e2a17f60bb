# SPDX-FileCopyrightText: 2026 cockroachdb_cloud.billing contributors
# SPDX-License-Identifier: GPL-3.0-or-later

# One command for each thing that a user or a contributor does; `make help` lists them.
# A target of its own goes into tests/tools/<name>.mk, and what it needs into tests/requirements/<name>.txt
# with $(VENV)/.installed-<name> as its prerequisite.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Neither make nor Ansible takes an interpreter or a file whose path holds one.
ifneq ($(words $(CURDIR)),1)
$(error The path of this checkout holds a space: move it to a folder without one, such as ~/billing)
endif

PYTHON ?= python3
VENV := $(CURDIR)/.venv
CACHE := $(CURDIR)/.cache
BIN := $(VENV)/bin
TOOL := $(BIN)/python tests/tools

# The machine's own settings of Ansible, Python and pip's target reach no target of this file,
# and what Ansible keeps between runs stays in the checkout.
unexport $(filter ANSIBLE_%,$(.VARIABLES))
unexport CDPATH GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE PYTHONHOME PYTHONPATH PYTHONSTARTUP VIRTUAL_ENV
unexport PIP_CONSTRAINT PIP_NO_DEPS PIP_PREFIX PIP_REQUIRE_VIRTUALENV PIP_REQUIREMENT PIP_ROOT PIP_TARGET PIP_USER
NO_ACCOUNT := env $(patsubst %,-u %,$(filter COCKROACH_%,$(.VARIABLES)))
export ANSIBLE_HOME := $(CACHE)/ansible
export LC_ALL := $(if $(filter Darwin,$(shell uname -s)),en_US.UTF-8,C.UTF-8)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1

##@ Everyday

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z][a-z0-9_-]*:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(VENV)/.installed-demo ## Install into .venv and show the invoices of the sandbox, or yours if COCKROACH_API_KEY is set
	@$(TOOL)/demo.py $(ARGS)

.PHONY: test
test: lint docs-lint unit sanity integration docs-examples ## Run every check that a change has to pass

.PHONY: format
format: $(VENV)/.installed-dev ## Format the Python files and mend what ruff can mend
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

.PHONY: clean
clean: ## Remove everything that the targets of this file made
	rm -rf .venv .cache .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage build tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

##@ The parts of make test

.PHONY: unit
unit: $(VENV)/.installed-dev ## Run the unit tests, with coverage; ARGS="-k client" picks some
	@$(NO_ACCOUNT) $(BIN)/python -m pytest tests/unit $(or $(ARGS),-q -n auto --cov --cov-report=term --cov-report=html:build/coverage)

.PHONY: units
units: $(VENV)/.installed-dev ## Run the same tests as ansible-test units does; slower
	@$(TOOL)/ansible_test.py units $(ARGS)

.PHONY: sanity
sanity: $(VENV)/.installed-dev ## Run ansible-test sanity; ARGS="--test pylint" picks some
	@$(TOOL)/ansible_test.py sanity $(ARGS)

.PHONY: integration
integration: $(VENV)/.installed-dev ## Run real playbooks against the sandbox; ARGS="<target>" picks some
	@$(TOOL)/ansible_test.py integration $(ARGS)

.PHONY: lint
lint: $(VENV)/.installed-dev ## Run ruff, mypy, ansible-lint, yamllint, reuse and zizmor; ARGS="mypy" picks some
	@$(TOOL)/lint.py $(or $(ARGS),--skip docs --skip changelog)

.PHONY: docs-lint
docs-lint: $(VENV)/.installed-dev ## Check the plugins' documentation, every reference in it, and the changelog
	@$(TOOL)/lint.py docs changelog

##@ Releases

.PHONY: build
build: $(VENV)/.installed-demo ## Build the tarball for Galaxy into build/
	@cd tests/tools && $(BIN)/python -c 'import _install; print(_install.build())'

.PHONY: changelog
changelog: $(VENV)/.installed-dev ## Put the fragments and the new plugins of galaxy.yml's version into the changelog
	@$(TOOL)/changelog.py

.PHONY: release-check
release-check: $(VENV)/.installed-release ## Check the tarball as Galaxy does when it is uploaded
	@$(TOOL)/release_check.py

##@ Set-up

.PHONY: venv
venv: $(VENV)/.installed-dev ## Make .venv with everything that make test needs; PYTHON=python3.12 chooses the Python

# The environment is made again when the checkout has moved, and when PYTHON is given and is another than last time.
VENV_MADE := $(shell cat $(VENV)/.made 2>/dev/null)
VENV_WANTED := $(CURDIR) $(if $(filter file,$(origin PYTHON)),$(lastword $(VENV_MADE)),$(PYTHON))
ifneq ($(VENV_MADE),$(VENV_WANTED))
.PHONY: $(VENV)/.made
endif

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "$(PYTHON) is Python %d.%d; 3.10 or newer is needed, for example: make PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Making .venv with $$($(PYTHON) --version)"
	@"$$($(PYTHON) -c 'import sys; print(sys._base_executable)')" -m venv --clear $(VENV)
	@echo "$(CURDIR) $(PYTHON)" > $@

$(VENV)/.installed-%: tests/requirements/%.txt $(VENV)/.made
	@echo "Installing tests/requirements/$*.txt into .venv"
	@$(BIN)/python -m pip install --quiet --quiet --requirement $<
	@touch $@

$(VENV)/.installed-dev: tests/requirements/demo.txt tests/requirements/test.txt
$(VENV)/.installed-release: $(VENV)/.installed-dev

-include $(sort $(wildcard tests/tools/*.mk))
