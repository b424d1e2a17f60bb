# SPDX-FileCopyrightText: 2026 cockroachdb_cloud.billing contributors
# SPDX-License-Identifier: GPL-3.0-or-later

##@ Documentation

.PHONY: docs
docs: $(VENV)/.installed-docs ## Build the guides and the plugins' pages as HTML into build/docs
	@$(TOOL)/docs.py

.PHONY: docs-examples
docs-examples: $(VENV)/.installed-dev ## Run every example of the guides, the plugins and the README; ARGS="-k chargeback" picks some
	@$(NO_ACCOUNT) $(BIN)/python -m pytest tests/docs $(or $(ARGS),-q -n auto)

$(VENV)/.installed-docs: $(VENV)/.installed-dev
