# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module that hands on the invoices of a file: what any task with that result costs at least."""

from __future__ import annotations

import json

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={"path": {"type": "path"}}, supports_check_mode=True)
    with open(module.params["path"], encoding="utf-8") as stream:
        module.exit_json(invoices=json.load(stream))


if __name__ == "__main__":
    main()
