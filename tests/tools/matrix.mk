# SPDX-FileCopyrightText: 2026 cockroachdb_cloud.billing contributors
# SPDX-License-Identifier: GPL-3.0-or-later

##@ Other versions

.PHONY: matrix
matrix: $(VENV)/.installed-dev ## Test every supported ansible-core, Python and requests; ARGS="--quick" takes the oldest and the newest
	@$(TOOL)/matrix.py $(ARGS)
