"""Start-up: from exec to the first PONG, and what `import pyredis` costs: `python -m benchmarks.startup`.

The import is timed from outside, in fresh interpreters, as the difference to one that imports nothing: what a
user waits for, `.pyc` files warm. Runs of the compared programs alternate.
"""

import argparse
import compileall
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

from benchmarks import report
from benchmarks.servers import (
    ROOT,
    ServerMissingError,
    end_children_on_sigterm,
    environment,
    running,
    server_names,
)

POLL_S = 0.0005
IMPORTS = {"nothing": "pass", "pyredis": "import pyredis", "pyredis.cli": "import pyredis.cli"}

Failures = tuple[type[Exception], ...]


def first_pong_ms(name: str) -> float:
    """Raises ServerMissingError."""
    started = time.perf_counter()
    with running(name, poll_s=POLL_S):
        return (time.perf_counter() - started) * 1000


def interpreter_ms(code: str) -> float:
    """From exec to the end of a fresh interpreter that runs `code`. Raises CalledProcessError."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True, capture_output=True)
    return (time.perf_counter() - started) * 1000


def alternate(
    names: list[str], starts: int, once: Callable[[str], float], failures: Failures
) -> dict[str, list[float]]:
    """`once(name)` for every name, `starts` times round; a name that fails is reported and left out."""
    results: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(starts):
        for name in list(results):
            try:
                results[name].append(once(name))
            except failures as error:
                print(f"{name}: missing ({error})")
                del results[name]
    return results


def print_starts(results: dict[str, list[float]]) -> None:
    print(f"{'server':<12}{'median ms':>12}{'max ms':>12}")
    for name, times in results.items():
        factor = f"{median(times) / median(results['redis']):>8.2f}x" if "redis" in results else ""
        print(f"{name:<12}{median(times):>12.1f}{max(times):>12.1f}{factor}")


def print_imports(results: dict[str, list[float]]) -> None:
    print(f"\n{'import':<12}{'median ms':>12}{'more ms':>12}")
    for name, times in results.items():
        print(f"{name:<12}{median(times):>12.1f}{median(times) - median(results['nothing']):>12.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=server_names, default="redis,pyredis")
    parser.add_argument("--starts", type=int, default=10)
    options = parser.parse_args()
    end_children_on_sigterm()
    compileall.compile_dir(ROOT / "pyredis", quiet=1)  # as an installation does
    pongs = alternate(options.servers, options.starts, first_pong_ms, (ServerMissingError,))
    print_starts(pongs)
    imports = alternate(
        list(IMPORTS),
        options.starts,
        lambda name: interpreter_ms(IMPORTS[name]),
        (subprocess.CalledProcessError,),
    )
    print_imports(imports)
    content = {
        "machine": report.machine(),
        "settings": vars(options),
        "pong_ms": pongs,
        "interpreter_ms": imports,
    }
    print(report.shown(report.save("startup", content)))


if __name__ == "__main__":
    main()
