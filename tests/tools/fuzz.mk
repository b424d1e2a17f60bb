# SPDX-FileCopyrightText: 2026 cockroachdb_cloud.billing contributors
# SPDX-License-Identifier: GPL-3.0-or-later

##@ Robustness

.PHONY: fuzz
fuzz: $(VENV)/.installed-dev ## Play thousands of mutated answers to every plugin; SEED=7 ROUNDS=50000 choose which and how many
	@FUZZ_SEED=$(or $(SEED),$$(date +%s)) FUZZ_ROUNDS=$(or $(ROUNDS),10000) \
	  $(BIN)/python -m pytest -q -s -p no:randomly tests/unit/plugins/faults/test_fuzz.py $(ARGS)
