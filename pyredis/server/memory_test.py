"""`--test-memory`: write patterns to memory and see whether they are still there.

It sees the pages that the system gives this process, so the server should not run meanwhile, nor much else.
"""

from array import array
from collections.abc import Iterator
from random import Random

PASSES = 50
_CHUNK = 1 << 20


def check_memory(megabytes: int) -> bool:
    """Print how it goes; False at the first byte that changed."""
    memory = memoryview(bytearray(max(megabytes, 0) * _CHUNK))
    for number in range(1, PASSES + 1):
        for name, seed in (("Addressing", 0), ("Solid fill", 1), ("Checkerboard fill", 2), ("Random fill", 3)):
            print(f"\r{name} [{number}] ".ljust(40), end="", flush=True)
            for at, chunk in _chunks(len(memory), seed, number):
                memory[at : at + _CHUNK] = chunk
            for at, chunk in _chunks(len(memory), seed, number):
                if memory[at : at + _CHUNK] != chunk:
                    print("\n*** MEMORY ERROR DETECTED: the machine's memory is not to be relied on.")
                    return False
    print("\nYour memory passed this test.")
    print("If you are still in doubt, ask tools that test all of it: memtest86 and memtester.")
    return True


def _chunks(size: int, kind: int, number: int) -> Iterator[tuple[int, bytes]]:
    """What each MB is filled with: its addresses, all bits alike, every other bit, or random bytes."""
    random = Random(number)
    for at in range(0, size, _CHUNK):
        if kind == 0:
            yield at, array("Q", range(at, at + _CHUNK, 8)).tobytes()
        elif kind == 3:
            yield at, random.randbytes(_CHUNK)
        else:
            yield at, bytes((0xFF * (number & 1) if kind == 1 else 0x55 << (number & 1),)) * _CHUNK
