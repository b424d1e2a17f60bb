# SPDX-FileCopyrightText: 2026 cockroachdb_cloud.billing contributors
# SPDX-License-Identifier: GPL-3.0-or-later

##@ FOCUS

FOCUS := $(CACHE)/focus

.PHONY: focus
focus: ## Check an export in the layout of FOCUS with the FinOps Foundation's own validator
	@if ! $(MAKE) --silent --no-print-directory $(FOCUS)/.installed; then \
	  echo "focus: skipped, since focus-validator cannot be installed; the lines above say why"; \
	else \
	  $(FOCUS)/bin/python -m pytest tests/focus $(or $(ARGS),-q); \
	fi

# The validator asks for Python 3.12 or newer, and for a NumPy that newer Pythons do not have.
FIND_PYTHON := import sys; sys.path.insert(0, 'tests/tools'); import ansible_test; print(ansible_test.find_python('3.12'))

$(FOCUS)/.installed: tests/requirements/focus.txt
	@echo "Installing focus-validator into .cache/focus"
	@python=$$($(PYTHON) -c "$(FIND_PYTHON)") && "$$python" -m venv --clear $(FOCUS)
	@$(FOCUS)/bin/python -m pip install --quiet --quiet --requirement $<
	@touch $@
