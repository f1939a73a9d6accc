"""`pyredis-check-rdb`: the command line of `redis-check-rdb`, and `--fix`.

Exit code 0 when the file is valid, or what is whole in it was written to a new file, 1 otherwise. The file that is
checked is never changed.
"""

import os
import sys
from pathlib import Path

from pyredis import REDIS_VERSION
from pyredis.clock import Clock
from pyredis.persistence.disk import Disk, write_durably
from pyredis.rdb.file_check import Check, CheckFailed, repaired

USAGE = "Usage: pyredis-check-rdb [--fix <new-rdb-file-name>] <rdb-file-name>"


def main(argv: list[str] | None = None) -> int:
    """Check, and save what can be saved if asked; returns the exit code."""
    match sys.argv[1:] if argv is None else argv:
        case ["-v" | "--version"]:
            print(f"pyredis-check-rdb {REDIS_VERSION}")
            return 0
        case ["--fix", target, path]:
            return _run(Path(path), Path(target))
        case [path] if not path.startswith("--"):
            return _run(Path(path), None)
        case _:
            print(USAGE, file=sys.stderr)
            return 1


def _run(path: Path, target: Path | None) -> int:
    try:
        return _check(path, target)
    except OSError as error:
        print(f"Cannot check {path}: {error.strerror}", file=sys.stderr)
        return 1


def _check(path: Path, target: Path | None) -> int:
    disk = Disk()
    check = Check(os.fspath(path), disk.size(path), Clock().now_ms(), print, tolerant=target is not None)
    try:
        for data in disk.read(path):
            check.feed(data)
            if check.done:
                break
        check.finish()
    except CheckFailed:
        return _fix(disk, path, target, check) if target else 1
    if target and check.left_out:
        return _fix(disk, path, target, check)
    return 0


def _fix(disk: Disk, path: Path, target: Path, check: Check) -> int:
    """Write what is sound to a new file."""
    if not check.sound:
        print("Nothing in it can be saved.")
        return 1
    if target.exists():
        print(f"{target} is there already: nothing was written.")
        return 1
    write_durably(disk, target, repaired(disk.read(path), check.sound, check.version))
    print(f"{check.saved} keys were written to {target}, {path} is as it was.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
