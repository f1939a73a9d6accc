"""New values into an old file: the user's lines keep their places, and the file is replaced in one step."""

import os
import stat

from pytest import mark, raises

from pyredis.config.config_rewrite import SIGNATURE, Page, overwrite

NAMES = {name: name for name in ("port", "save", "replica-read-only")} | {"slave-read-only": "replica-read-only"}


def rewritten(old, **options):
    page = Page(old, NAMES)
    for name, lines in options.items():
        page.write(name.replace("_", "-"), lines)
    return page.content()


@mark.parametrize(
    ("old", "options", "new"),
    [
        ("port 1", {"port": [("port 2", False)]}, "port 2\n"),
        ("# mine\n\n  PORT 1\n# end", {"port": [("port 2", False)]}, "# mine\n\nport 2\n# end\n"),
        ("", {"port": [("port 2", False)]}, ""),
        ("", {"port": [("port 2", True)]}, f"{SIGNATURE}\nport 2\n"),
        (f"{SIGNATURE}\nport 1", {"save": [("save 1 1", True)]}, f"{SIGNATURE}\nport 1\nsave 1 1\n"),
        ("save 1 1\nsave 2 2\nport 1", {"save": [("save 3 3", True)]}, "save 3 3\n\nport 1\n"),
        ("save 1 1\n# a\nsave 2 2", {"save": []}, "\n# a\n\n"),
        (
            "save 1 1\nport 1",
            {"save": [("save 2 2", True), ("save 3 3", True)]},
            f"save 2 2\nport 1\n{SIGNATURE}\nsave 3 3\n",
        ),
        ("slave-read-only no", {"replica_read_only": [("replica-read-only yes", False)]}, "replica-read-only yes\n"),
        ("nosuch 1\nport 1", {}, "# ??? nosuch 1\nport 1\n"),
        ("a\n\n\n\nb".replace("a", "# a").replace("b", "# b"), {}, "# a\n\n# b\n"),
    ],
)
def test_lines_keep_their_places(old, options, new):
    assert rewritten(old, **options) == new


def test_rewriting_again_changes_nothing():
    """But for the empty line behind the last line's end, which Redis keeps too."""
    options = {"port": [("port 2", False)], "save": [("save 1 1", True)]}
    once = rewritten("# mine\nport 1\nnosuch x\n", **options)
    assert rewritten(once, **options) == rewritten(rewritten(once, **options), **options)
    assert rewritten(once, **options).rstrip() == once.rstrip()


def test_the_file_is_replaced_in_one_step(tmp_path, monkeypatch):
    path = tmp_path / "redis.conf"
    path.write_bytes(b"old")
    opened = path.open("rb")
    overwrite(path, b"new")
    assert (path.read_bytes(), opened.read()) == (b"new", b"old")
    opened.close()
    assert [file.name for file in tmp_path.iterdir()] == ["redis.conf"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o644 & ~_mask()


def _mask():
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "redis.conf"
    path.write_bytes(b"old")

    def fails(descriptor):
        raise OSError("no space")

    monkeypatch.setattr(os, "fsync", fails)
    with raises(OSError, match="no space"):
        overwrite(path, b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["redis.conf"]
