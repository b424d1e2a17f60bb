# SPDX-FileCopyrightText: 2026 cockroachdb_cloud.billing contributors
# SPDX-License-Identifier: GPL-3.0-or-later

##@ FOCUS

FOCUS := $(CACHE)/focus

.PHONY: focus
focus: ## Check an export in the layout of FOCUS with the FinOps Foundation's own validator
	@if ! $(MAKE) --silent --no-print-directory $(FOCUS)/.installed; then \
	  echo "focus: skipped, since focus-validator cannot be installed on $$($(PYTHON) --version); the lines above say why"; \
	else \
	  $(FOCUS)/bin/python -m pytest tests/focus $(or $(ARGS),-q); \
	fi

$(FOCUS)/.installed: tests/requirements/focus.txt
	@echo "Installing focus-validator into .cache/focus"
	@"$$($(PYTHON) -c 'import sys; print(sys._base_executable)')" -m venv --clear $(FOCUS)
	@$(FOCUS)/bin/python -m pip install --quiet --quiet --requirement $<
	@touch $@
