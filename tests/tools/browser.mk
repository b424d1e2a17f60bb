# SPDX-FileCopyrightText: 2026 cockroachdb_cloud.billing contributors
# SPDX-License-Identifier: GPL-3.0-or-later

##@ The report in a browser

BROWSER := $(CACHE)/browser
CHROMIUM = $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.PHONY: browser
browser: ## Look at the report in headless Chromium; ARGS="-k sort" picks some
	@if [ -z "$(CHROMIUM)" ] && [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	  echo "Installing Debian's chromium"; \
	  apt-get update --quiet=2 && apt-get install --quiet=2 --yes --no-install-recommends chromium > /dev/null; \
	fi; \
	if ! command -v chromium > /dev/null && [ -z "$(CHROMIUM)" ]; then \
	  echo "browser: skipped, since there is no chromium in the PATH"; \
	elif ! $(MAKE) --no-print-directory $(BROWSER)/.installed; then \
	  echo "browser: skipped, since Playwright's client cannot be installed; the lines above say why"; \
	else \
	  $(BROWSER)/bin/python -m pytest tests/browser $(ARGS); \
	fi

$(BROWSER)/.installed: tests/browser/requirements.txt
	@echo "Installing Playwright's client into .cache/browser"
	@"$$($(PYTHON) -c 'import sys; print(sys._base_executable)')" -m venv --clear $(BROWSER)
	@$(BROWSER)/bin/python -m pip install --quiet --quiet --requirement $<
	@if command -v npm > /dev/null; then \
	  npm install --silent --no-audit --no-fund --prefix $(BROWSER)/node axe-core@4 \
	  || echo "axe-core cannot be installed: the checks for accessibility are skipped"; \
	fi
	@touch $@
