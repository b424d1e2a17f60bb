# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Placing files, with a real AnsibleModule on a real file system, as root and as somebody else."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import stat
import tempfile
import typing as t

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._files import (
    FILE_SPEC,
    check_attributes,
    check_dest,
    draft_of,
    place,
)
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import module_arguments

NOBODY = 65534


@pytest.fixture
def folder() -> t.Iterator[pathlib.Path]:
    """Return a folder that every user may look into, which pytest's own is not."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="billing-files-"))
    path.chmod(0o755)
    yield path
    path.chmod(0o755)
    shutil.rmtree(path)


@contextlib.contextmanager
def ordinary_user() -> t.Iterator[None]:
    """Be a user whom permissions bind; root becomes nobody for the time of the block."""
    with module_arguments({}):
        AnsibleModule(argument_spec={})  # It loads what the user may not read.
    if os.getuid():
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def mode_of(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def put(dest: t.Any, text: str = "new\n", *, check_mode: bool = False, diff: bool = False, **options: t.Any) -> t.Any:
    """Write a text to a file as a module does, and return what that would return."""
    with tempfile.TemporaryDirectory(prefix="billing-drafts-") as drafts:
        internal = {"_ansible_check_mode": check_mode, "_ansible_diff": diff, "_ansible_tmpdir": drafts}
        with module_arguments({"dest": os.fspath(dest), **internal, **options}):
            spec = {"dest": {"type": "path"}, **FILE_SPEC}
            module = AnsibleModule(argument_spec=spec, add_file_common_args=True, supports_check_mode=True)
            params = module.params
            path = check_dest(params["dest"], follow=params["follow"], unsafe_writes=params["unsafe_writes"])
            with draft_of(module, path) as draft:
                pathlib.Path(os.fsdecode(draft)).write_text(text, encoding="utf-8")
                result = {"dest": path, **place(module, {path: draft})}
        assert os.listdir(drafts) == []
        return result


# What may be named


@pytest.mark.parametrize(
    ("dest", "words"),
    [
        ("", "dest is empty"),
        ("  ", "dest is empty"),
        ("missing/a.csv", "does not exist"),
        ("folder", "is a folder"),
        ("a.csv/", "is a folder"),
        ("to_folder", "is a folder"),
        ("pipe", "no ordinary file"),
        ("to_pipe", "no ordinary file"),
        ("file/a.csv", "Not a directory"),
        ("a\0.csv", "no path can have"),
        ("a\ud800.csv", "no path can have"),
    ],
)
@pytest.mark.parametrize("follow", [True, False])
def test_what_cannot_become_a_file(folder: pathlib.Path, dest: str, words: str, follow: bool) -> None:
    (folder / "folder").mkdir()
    (folder / "to_folder").symlink_to("folder")
    os.mkfifo(folder / "pipe")
    (folder / "to_pipe").symlink_to("pipe")
    (folder / "file").touch()
    with pytest.raises(OptionsError, match=words):
        check_dest(f"{folder}/{dest}" if dest.strip() else dest, follow=follow, unsafe_writes=True)


# Modes


@pytest.mark.parametrize("umask", [0o000, 0o022])
@pytest.mark.parametrize(("mode", "expected"), [(None, 0o600), ("0640", 0o640), ("u=rw,g=r,o=", 0o640)])
def test_a_new_file_is_open_to_its_owner_alone_or_as_the_task_says(
    folder: pathlib.Path, umask: int, mode: str | None, expected: int
) -> None:
    before = os.umask(umask)
    try:
        for changed in (True, False):
            assert put(folder / "a.csv", mode=mode)["changed"] is changed
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert mode_of(folder / "a.csv") == expected


def test_a_file_that_is_there_keeps_its_mode_and_one_that_is_the_same_is_not_touched(folder: pathlib.Path) -> None:
    dest = folder / "a.csv"
    dest.write_text("old\n", encoding="utf-8")
    dest.chmod(0o644)
    assert put(dest)["changed"] is True
    before = dest.stat()
    assert put(dest)["changed"] is False
    assert (mode_of(dest), dest.stat().st_mtime_ns, dest.stat().st_ino) == (0o644, before.st_mtime_ns, before.st_ino)
    assert (put(dest, mode="0600")["changed"], mode_of(dest)) == (True, 0o600)


# Links


def test_a_link_is_replaced(folder: pathlib.Path) -> None:
    target, dest = folder / "target", folder / "a.csv"
    target.write_text("new\n", encoding="utf-8")
    target.chmod(0o644)
    dest.symlink_to("target")
    assert put(dest, check_mode=True)["changed"] is True
    assert dest.is_symlink()
    assert put(dest)["changed"] is True
    assert (dest.is_symlink(), mode_of(dest)) == (False, 0o600)
    assert (target.read_text(encoding="utf-8"), mode_of(target)) == ("new\n", 0o644)
    assert put(dest)["changed"] is False


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed_on_demand(folder: pathlib.Path, there: bool) -> None:
    target, dest = folder / "target", folder / "a.csv"
    dest.symlink_to("target")
    if there:
        target.write_text("old\n", encoding="utf-8")
    for changed in (True, False):
        result = put(dest, follow=True, mode="0640")
        assert (result["dest"], result["changed"]) == (os.path.realpath(target), changed)
    assert (dest.is_symlink(), target.read_text(encoding="utf-8"), mode_of(target)) == (True, "new\n", 0o640)


def test_a_link_comes_back_when_the_file_cannot_be_placed(folder: pathlib.Path) -> None:
    dest = folder / "a.csv"
    dest.symlink_to("target")
    with module_arguments({"_ansible_tmpdir": f"{folder}"}):
        module = AnsibleModule(argument_spec=FILE_SPEC, add_file_common_args=True)
    # Before 2.19 atomic_move ends the module, from then on it raises.
    with pytest.raises((OptionsError, OSError, SystemExit)):
        place(module, {f"{dest}": os.fsencode(folder / "no-such-draft")})
    assert os.readlink(dest) == "target"


def module_for(folder: pathlib.Path, **options: t.Any) -> AnsibleModule:
    with module_arguments({"_ansible_tmpdir": f"{folder}", **options}):
        return AnsibleModule(argument_spec=FILE_SPEC, add_file_common_args=True)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (OSError(28, "No space left on device"), OptionsError, "cannot be written: No space left on device."),
        (Exception("It failed."), OptionsError, "cannot be written: It failed."),
        (KeyboardInterrupt("now"), KeyboardInterrupt, "now"),
    ],
)
@pytest.mark.parametrize("placed", [False, True])
def test_what_stops_a_file_from_being_placed(
    folder: pathlib.Path, error: BaseException, kind: type[BaseException], text: str, placed: bool
) -> None:
    """The link comes back where there is nothing yet, and what is told is what went wrong first."""
    dest, module = folder / "a.csv", module_for(folder)
    dest.symlink_to("target")

    def move(_draft: bytes, to: str, **_options: t.Any) -> t.NoReturn:
        if placed:
            pathlib.Path(to).touch()
        raise error

    module.atomic_move = move
    with pytest.raises(kind) as caught, draft_of(module, f"{dest}") as draft:
        place(module, {f"{dest}": draft})
    assert f"{caught.value}".endswith(text)
    assert "Errno" not in f"{caught.value}"
    assert dest.is_symlink() is not placed


def test_a_place_for_drafts_that_is_none(folder: pathlib.Path) -> None:
    module = module_for(folder / "missing")
    with pytest.raises(OptionsError, match=r"^dest 'a\.csv' cannot be written: No such file or directory\.$"):
        with draft_of(module, "a.csv"):
            pass


def test_a_file_of_the_same_size_and_time_is_another(folder: pathlib.Path) -> None:
    dest, draft = folder / "a.csv", folder / "draft"
    for path in (dest, draft):
        path.write_text(f"{path.name[0]}\n", encoding="utf-8")
        os.utime(path, (1, 1))
    assert place(module_for(folder), {f"{dest}": os.fsencode(draft)})["changed"] is True
    assert dest.read_text(encoding="utf-8") == "d\n"


# Permissions


@pytest.mark.parametrize(("mode", "words"), [(0o555, "may not write to the folder"), (0o000, "Permission denied")])
def test_a_folder_that_is_closed_to_this_user(folder: pathlib.Path, mode: int, words: str) -> None:
    (folder / "closed").mkdir()
    (folder / "closed").chmod(mode)
    with ordinary_user(), pytest.raises(OptionsError, match=words):
        put(folder / "closed" / "a.csv")


@pytest.mark.parametrize(
    ("mode", "link", "unsafe", "written"),
    [(0o666, False, True, True), (0o666, False, False, False), (0o444, False, True, False), (0o666, True, True, False)],
)
def test_unsafe_writes_writes_a_writable_file_in_a_folder_that_is_not(
    folder: pathlib.Path, mode: int, link: bool, unsafe: bool, written: bool
) -> None:
    target, dest = folder / "target", folder / "link"
    target.write_text("old\n", encoding="utf-8")
    target.chmod(mode)
    dest.symlink_to("target")
    folder.chmod(0o555)
    refused = pytest.raises(OptionsError, match="this user may not write to the folder")
    with ordinary_user(), contextlib.nullcontext() if written else refused:
        for changed in (True, False):
            assert put(dest if link else target, unsafe_writes=unsafe)["changed"] is changed
    assert (target.read_text(encoding="utf-8"), mode_of(target)) == ("new\n" if written else "old\n", mode)
    with ordinary_user(), refused:
        put(folder / "missing", unsafe_writes=True)


def test_a_file_that_this_user_may_not_read_is_replaced(folder: pathlib.Path) -> None:
    dest = folder / "a.csv"
    dest.write_text("new\n", encoding="utf-8")
    dest.chmod(0o000)
    folder.chmod(0o777)
    with ordinary_user():
        result = put(dest, diff=True, mode="0600")
    assert (result["changed"], result["diff"]["before"]) == (True, "(4 bytes that this user may not read)\n")
    assert dest.read_text(encoding="utf-8") == "new\n"


def test_an_owner_is_looked_up_alone_where_this_user_may_not_set_it(folder: pathlib.Path) -> None:
    """The file may have it already."""
    folder.chmod(0o777)
    with ordinary_user():
        module = module_for(folder, owner="root")
        check_attributes(module, f"{folder}/a.csv")
    assert module.check_mode is False
    assert os.listdir(folder) == []


# Check mode and diff


def test_check_mode_changes_nothing(folder: pathlib.Path) -> None:
    dest = folder / "a.csv"
    assert put(dest, check_mode=True, mode="0640")["changed"] is True
    assert os.listdir(folder) == []
    put(dest)
    for mode in ("0640", None):
        assert put(dest, check_mode=True, mode=mode)["changed"] is (mode is not None)
    assert mode_of(dest) == 0o600


def test_a_diff_is_where_bytes_differ_and_stays_small(folder: pathlib.Path) -> None:
    dest = folder / "a.csv"
    diff = put(dest, diff=True)["diff"]
    assert diff == {"before_header": f"{dest}", "after_header": f"{dest}", "before": "", "after": "new\n"}
    assert "diff" not in put(dest, diff=True, mode="0640")
    dest.write_bytes(b"\xff\n")
    assert put(dest, diff=True)["diff"]["before"] == "\ufffd\n"
    diff = put(dest, "x" * 200_000, diff=True)["diff"]
    assert (diff["before"], diff["after"]) == ("new\n", "(200000 bytes, too many to show)\n")


@pytest.mark.parametrize("name", ["Kosten-März.csv", "€.csv", "帳單.csv"])
def test_a_name_beyond_ascii_and_a_path_that_is_relative(
    folder: pathlib.Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    result = put(name)
    assert (result["dest"], result["changed"]) == (f"{folder}/{name}", True)
    assert put(folder / name)["changed"] is False
    assert os.listdir(os.fsencode(folder)) == [name.encode()]
