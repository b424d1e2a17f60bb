# SPDX-FileCopyrightText: 2026 cockroachdb_cloud.billing contributors
# SPDX-License-Identifier: GPL-3.0-or-later

##@ Events

EDA := $(CACHE)/eda

.PHONY: eda
eda: ## Run the event source in the real ansible-rulebook against the sandbox; needs Java 17; ARGS="-k hostile" picks some
	@if ! java -version > /dev/null 2>&1; then \
	  echo "eda: skipped, since ansible-rulebook needs Java 17 or newer, and 'java -version' does not run"; \
	elif ! $(MAKE) --no-print-directory $(EDA)/.installed; then \
	  echo "eda: skipped, since ansible-rulebook cannot be installed; the lines above say why"; \
	else \
	  $(EDA)/bin/python -m pytest tests/eda $(ARGS); \
	fi

$(EDA)/.installed: tests/eda/requirements.txt
	@echo "Installing ansible-rulebook into .cache/eda"
	@"$$($(PYTHON) -c 'import sys; print(sys._base_executable)')" -m venv --clear $(EDA)
	@$(EDA)/bin/python -m pip install --quiet --quiet --requirement $<
	@touch $@
