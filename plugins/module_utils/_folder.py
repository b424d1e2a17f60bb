# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""Several files that belong together, in a folder of their own."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._files import (
    check_dest,
    draft_of,
    path_bytes,
    path_text,
    place,
)

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

Write = t.Callable[[t.Any], t.Any]
"""Writes a file to a path."""


def check_folder(dest: str) -> str:
    """Return the folder to write to as an absolute path; it need not exist, but its parent must.

    :raises OptionsError: when it cannot become a folder; it says what to name instead.
    """
    if not dest.strip():
        raise OptionsError("dest is empty: name the folder to write to.")
    dest = dest.rstrip("/") or "/"
    path = path_bytes(dest)
    if os.path.isdir(path):
        return path_text(os.path.abspath(path))
    if os.path.lexists(path):
        kind = "a file" if os.path.exists(path) else "a link to nothing"
        raise OptionsError(f"dest {dest!r} is {kind}: name a folder.")
    return check_dest(dest, follow=False, unsafe_writes=False)


def place_all(module: AnsibleModule, folder: str, files: t.Mapping[str, Write]) -> dict[str, t.Any]:
    """Write files into a folder. All drafts are finished before the first file is replaced.

    A folder that is not there is made, open to its owner, and to those who may read the files where C(mode) says so.

    :param module: as for :func:`place`.
    :param folder: as :func:`check_folder` returned it.
    :param files: what writes each of them, by name; the last one is placed last.
    :returns: C(changed), and C(diff) where that is asked for.
    :raises OptionsError: when a file cannot be written.
    """
    new = not os.path.isdir(path_bytes(folder))
    paths = {name: os.path.join(folder, name) for name in files}
    if not new:
        how = {name: module.params[name] for name in ("follow", "unsafe_writes")}
        paths = {name: check_dest(path, **how) for name, path in paths.items()}
    with contextlib.ExitStack() as stack:
        drafts = {paths[name]: stack.enter_context(draft_of(module, paths[name])) for name in files}
        for name, write in files.items():
            write(drafts[paths[name]])
        if new and module.check_mode:
            return {"changed": True}
        if new:
            os.mkdir(path_bytes(folder), 0o700)
        result = place(module, drafts)
    if new:
        _open_to_readers(module, folder, list(paths.values())[-1])
    return {**result, "changed": new or result["changed"]}


def _open_to_readers(module: AnsibleModule, folder: str, file: str) -> None:
    """Let whoever may read the files into their folder, and give it the owner and group of the options."""
    readers = stat.S_IMODE(os.stat(path_bytes(file)).st_mode) & 0o444
    arguments = module.load_file_common_arguments(
        {**module.params, "mode": 0o700 | readers | readers >> 2}, path=folder
    )
    module.set_fs_attributes_if_different(arguments, True)
