# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generate the changelog of the version in galaxy.yml; before its publication as often as wanted."""

from __future__ import annotations

import sys

from _checkout import BIN, run

if __name__ == "__main__":
    sys.exit(run(BIN / "antsibull-changelog", "release", "--update-existing", "--reload-plugins", *sys.argv[1:]))
