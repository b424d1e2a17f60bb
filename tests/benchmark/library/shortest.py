# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shortest module that gets the invoices with requests, with neither a check nor a retry."""

from __future__ import annotations

import requests
from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Run the module."""
    spec = {"url": {"type": "str"}, "key": {"type": "str", "no_log": True}}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    headers = {"Authorization": f"Bearer {module.params['key']}", "Cc-Version": "2024-09-16"}
    with requests.get(module.params["url"], headers=headers, timeout=30) as answer:
        module.exit_json(**answer.json())


if __name__ == "__main__":
    main()
