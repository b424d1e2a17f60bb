# SPDX-FileCopyrightText: 2026 cockroachdb_cloud.billing contributors
# SPDX-License-Identifier: GPL-3.0-or-later

# Any word that is no target here is a session of nox: `make unit ARGS="-k retry"` is `.venv/bin/nox -s unit -- -k retry`.

# Neither make nor Ansible takes an interpreter or a file whose path holds one.
ifneq ($(words $(CURDIR)),1)
$(error The path of this checkout holds a space: move it to a folder without one, such as ~/billing)
endif

PYTHON ?= python3
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
TARBALL := build/cockroachdb_cloud-billing-$(lastword $(shell grep '^version:' galaxy.yml)).tar.gz
OWN := help demo test format build venv clean
SESSIONS := $(filter-out $(OWN) $(VENV)/%,$(MAKECMDGOALS))
.PHONY: $(OWN) $(SESSIONS)

# The machine's own settings of Ansible, Python and pip's target reach no target; the sessions keep out the account's too.
unexport $(filter ANSIBLE_%,$(.VARIABLES)) CDPATH GIT_DIR PYTHONHOME PYTHONPATH PYTHONSTARTUP VIRTUAL_ENV
unexport PIP_CONSTRAINT PIP_NO_DEPS PIP_PREFIX PIP_REQUIRE_VIRTUALENV PIP_REQUIREMENT PIP_ROOT PIP_TARGET PIP_USER
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export LC_ALL := $(if $(filter Darwin,$(shell uname -s)),en_US.UTF-8,C.UTF-8)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1
# What antsibull-nox calls CI: formatters say what they would change, and change nothing. The tests know the real one.
export REALLY_CI := $(CI)
export CI := true

help: ## List the targets, and the sessions of nox when `make venv` has installed it
	@sed -n 's/^\([a-z]*\):.*## /  make \1: /p' Makefile
	@if [ -x $(BIN)/nox ]; then $(BIN)/nox --list | sed -n 's/^[*-] \([a-z-]*\) -> /  make \1: /p'; fi
demo: $(VENV)/.collection ## Show the invoices of the sandbox, or yours if COCKROACH_API_KEY is set
	@$(BIN)/python tests/tools/demo.py $(ARGS)
test: $(VENV)/.dev ## Run every check that a change has to pass
	@$(BIN)/nox --parallel 2 $(ARGS)
format: $(VENV)/.dev ## Format the Python files and mend what ruff can mend
	@CI=false $(BIN)/nox -s formatters
$(SESSIONS): $(VENV)/.dev
	@$(BIN)/nox -s $@ -- $(ARGS)
build: $(VENV)/.demo ## Build the tarball for Galaxy into build/
	@$(BIN)/ansible-galaxy collection build --force --output-path build .
venv: $(VENV)/.dev ## Make .venv with what nox and the tests need; PYTHON=python3.12 chooses the Python
clean: ## Remove everything that was made here
	rm -rf .venv .nox .cache .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage build tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is made again when the checkout has moved, and when PYTHON is given and is another than last time.
MADE := $(shell cat $(VENV)/.made 2>/dev/null)
ifneq ($(MADE),$(CURDIR) $(if $(filter file,$(origin PYTHON)),$(lastword $(MADE)),$(PYTHON)))
.PHONY: $(VENV)/.made
endif
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "$(PYTHON) is Python %d.%d; 3.10 or newer is needed, for example: make PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Making .venv with $$($(PYTHON) --version)"
	@"$$($(PYTHON) -c 'import sys; print(sys._base_executable)')" -m venv --clear $(VENV) && rm -rf .nox
	@echo "$(CURDIR) $(PYTHON)" > $@
$(VENV)/.%: tests/requirements/%.txt tests/requirements/demo.txt tests/requirements/test.txt $(VENV)/.made
	@echo "Installing $< into .venv"
	@$(BIN)/python -m pip install --quiet --quiet --requirement $<
	@touch $@
# Ansible finds what lies beside its own package: no variable has to be set for it.
$(VENV)/.collection: $(VENV)/.demo galaxy.yml $(shell find plugins playbooks extensions meta -name '*.py' -o -name '*.yml')
	@$(MAKE) --no-print-directory build > /dev/null
	@said=$$($(BIN)/ansible-galaxy collection install --force --offline -p $(VENV)/lib/python*/site-packages $(TARBALL) 2>&1) \
		|| { echo "$$said" >&2; exit 1; }
	@touch $@
