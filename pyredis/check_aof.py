"""`pyredis-check-aof`: the command line of `redis-check-aof`.

Exit code 0 when every file is valid or was made so, 1 otherwise.
"""

import sys
from pathlib import Path

from pyredis import REDIS_VERSION
from pyredis.persistence.aof_check import Checker, CheckFailed

USAGE = "Usage: pyredis-check-aof [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>"


def main(argv: list[str] | None = None) -> int:
    """Check, and repair if asked; returns the exit code."""
    match sys.argv[1:] if argv is None else argv:
        case ["-v" | "--version"]:
            print(f"pyredis-check-aof {REDIS_VERSION}")
            return 0
        case [path]:
            checker = Checker(print)
        case ["--fix", path]:
            checker = Checker(print, fix=True, agree=_agree)
        case ["--truncate-to-timestamp", text, path]:
            if not text.isdigit():
                print("Invalid timestamp, aborting...")
                return 1
            checker = Checker(print, until=int(text))
        case _:
            print(USAGE)
            return 1
    try:
        checker.check(Path(path))
    except CheckFailed:
        return 1
    return 0


def _agree() -> bool:
    print("Continue? [y/N]: ", end="", flush=True)
    return sys.stdin.readline(2)[:1].lower() == "y"


if __name__ == "__main__":
    sys.exit(main())
