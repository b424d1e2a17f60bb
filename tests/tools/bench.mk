# SPDX-FileCopyrightText: 2026 cockroachdb_cloud.billing contributors
# SPDX-License-Identifier: GPL-3.0-or-later

##@ Speed

.PHONY: bench
bench: $(VENV)/.installed-dev ## Measure time and memory against uri, lookups and plain Python; CORE=2.18 takes that ansible-core
	@$(BIN)/python tests/benchmark/bench.py $(if $(CORE),--core=$(CORE)) $(ARGS)
