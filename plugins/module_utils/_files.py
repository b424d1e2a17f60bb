# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""From a finished draft to the file that the user named, under the rules that C(ansible.builtin.copy) has.

Paths are bytes in UTF-8 wherever a file is touched, as in all of ansible-core: Python alone would encode them as the
locale says, and look at another file than the one that ansible-core writes.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import tempfile
import typing as t

from ansible.module_utils.common.text.converters import to_bytes, to_native

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

FILE_SPEC = {"follow": {"type": "bool", "default": False}}
"""The option that a module which places files has beside C(add_file_common_args)."""

# What a new file is open to when no mode is given: a bill is nobody else's business.
_UMASK = 0o077
# A diff is for people; past this a task's result would be as heavy as the file itself.
_LONGEST_DIFF = 30000


def check_dest(dest: str, *, follow: bool, unsafe_writes: bool) -> str:
    """Return the file to write to as an absolute path.

    :param dest: what the user wrote.
    :param follow: write to where a link at C(dest) points, rather than in place of the link.
    :param unsafe_writes: a file that may be written is enough, though its folder may not.
    :raises OptionsError: when it cannot become a file; it says what to name instead.
    """
    if not dest.strip():
        raise OptionsError("dest is empty: name the file to write.")
    path = path_bytes(dest)
    if os.path.isdir(path) or dest.endswith("/"):
        raise OptionsError(f"dest {dest!r} is a folder: name a file in it.")
    if os.path.exists(path) and not os.path.isfile(path):
        raise OptionsError(f"dest {dest!r} is no ordinary file: name another one.")
    path = os.path.realpath(path) if follow else os.path.join(os.getcwdb(), path)
    _check_folder(dest, path, unsafe_writes=unsafe_writes)
    return path_text(path)


def path_text(path: bytes) -> str:
    """Return a path as ansible-core shows it."""
    text: str = to_native(path, errors="surrogate_or_strict")
    return text


def path_bytes(dest: str) -> bytes:
    """Return a path as ansible-core hands it to the system.

    :raises OptionsError: when no path can be that.
    """
    try:
        path: bytes = to_bytes(dest, errors="surrogate_or_strict")
    except UnicodeEncodeError:
        path = b"\0"
    if b"\0" in path:
        raise OptionsError(f"dest {dest!r} has a character that no path can have: name another file.")
    return path


def _check_folder(dest: str, path: bytes, *, unsafe_writes: bool) -> None:
    folder = os.path.dirname(path)
    shown = path_text(folder)
    try:
        os.stat(os.path.join(folder, b"."))
    except FileNotFoundError:
        raise OptionsError(
            f"dest {dest!r} cannot be written: the folder {shown!r} does not exist. Create it first."
        ) from None
    except OSError as error:
        raise OptionsError(f"dest {dest!r} cannot be written: the folder {shown!r} says: {error.strerror}.") from None
    if os.access(folder, os.W_OK | os.X_OK):
        return
    if not (unsafe_writes and os.path.isfile(path) and not os.path.islink(path) and os.access(path, os.W_OK)):
        raise OptionsError(f"dest {dest!r} cannot be written: this user may not write to the folder {shown!r}.")


@contextlib.contextmanager
def draft_of(module: AnsibleModule, dest: str) -> t.Iterator[bytes]:
    """Give the path of an empty file of this task alone to write to; it is gone when the block ends.

    :param dest: what the draft is for, which a message names.
    :raises OptionsError: in place of an OSError out of the block.
    """
    try:
        handle, draft = tempfile.mkstemp(dir=to_bytes(module.tmpdir, errors="surrogate_or_strict"))
        os.close(handle)
        try:
            yield draft
        finally:
            if os.path.exists(draft):
                os.unlink(draft)
    except OSError as error:
        raise _cannot_write(dest, error.strerror) from None


def check_attributes(module: AnsibleModule, dest: str) -> None:
    """End the module where the owner, group or mode of the task's options is nothing that a file can have."""
    before = module.check_mode
    with draft_of(module, dest) as draft:
        arguments = module.load_file_common_arguments(module.params, path=path_text(draft))
        module.check_mode = True  # so that they are looked up alone: what this user may set depends on the file
        try:
            module.set_fs_attributes_if_different(arguments, False)
        finally:
            module.check_mode = before


def place(module: AnsibleModule, drafts: t.Mapping[str, bytes]) -> dict[str, t.Any]:
    """Put drafts at their places where the bytes differ, each in one step, then set the file attributes of the task.

    A file that is there keeps its owner and mode unless an option says otherwise. A new one is open to its owner alone.
    A link is replaced; what it points to stays as it is.

    :param module: has the options of C(add_file_common_args) and :data:`FILE_SPEC`, check mode and diff mode.
    :param drafts: the finished files, as :func:`draft_of` gave them, by the paths that :func:`check_dest` returned.
    :returns: C(changed), and C(diff) where that is asked for and the bytes differ; for several drafts it is a list.
    :raises OptionsError: when a file cannot be written.
    """
    different = {dest: draft for dest, draft in drafts.items() if _differs(draft, path_bytes(dest))}
    diff = [_diff_of(path_bytes(dest), draft, dest) for dest, draft in different.items()] if module._diff else []
    if not module.check_mode:
        for dest, draft in different.items():
            _move(module, draft, dest, path_bytes(dest))
    changed = bool(different)
    for dest in drafts:
        arguments = module.load_file_common_arguments(module.params, path=dest)
        changed = module.set_fs_attributes_if_different(arguments, changed)
    return {"changed": changed, **({"diff": diff if len(drafts) > 1 else diff[0]} if diff else {})}


def _move(module: AnsibleModule, draft: bytes, dest: str, path: bytes) -> None:
    link = os.readlink(path) if os.path.islink(path) else None
    umask = os.umask(_UMASK)
    try:
        if link is not None:
            # Or the new file would have the owner and the mode of what the link points to.
            os.unlink(path)
        module.atomic_move(draft, dest, unsafe_writes=module.params["unsafe_writes"])
    except BaseException as error:
        if link is not None and not os.path.lexists(path):
            os.symlink(link, path)
        if isinstance(error, OSError) or not isinstance(error, Exception):
            raise
        # From 2.19 on atomic_move raises Exception itself, and before that it ends the module.
        raise _cannot_write(dest, f"{error}".rstrip(".")) from None
    finally:
        os.umask(umask)


def _cannot_write(dest: str, why: str | None) -> OptionsError:
    return OptionsError(f"dest {dest!r} cannot be written: {why}.")


def _differs(draft: bytes, path: bytes) -> bool:
    """Say whether a file has to be replaced; one that is not there or cannot be read is like no other."""
    return os.path.islink(path) or not (os.access(path, os.R_OK) and filecmp.cmp(draft, path, shallow=False))


def _diff_of(before: bytes, after: bytes, dest: str) -> dict[str, str]:
    return {
        "before_header": dest,
        "after_header": dest,
        "before": _text_for_diff(before),
        "after": _text_for_diff(after),
    }


def _text_for_diff(path: bytes) -> str:
    """Return what C(--diff) shows of a file: all of it, if a person can read that at a glance."""
    if not os.path.exists(path):
        return ""
    size = os.path.getsize(path)
    if size > _LONGEST_DIFF:
        return f"({size} bytes, too many to show)\n"
    if not os.access(path, os.R_OK):
        return f"({size} bytes that this user may not read)\n"
    with open(path, encoding="utf-8", errors="replace", newline="") as stream:
        return stream.read()
