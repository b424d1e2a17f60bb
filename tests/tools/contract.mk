# SPDX-FileCopyrightText: 2026 cockroachdb_cloud.billing contributors
# SPDX-License-Identifier: GPL-3.0-or-later

##@ The document of the API

SPEC ?= ../shared/api/openapi-billing.json

.PHONY: contract
contract: $(VENV)/.installed-dev ## Hold plugins and sandbox to the vendor's OpenAPI document, with Prism and Schemathesis; SPEC=<path> names it
	@$(TOOL)/contract.py "$(SPEC)" $(ARGS)
