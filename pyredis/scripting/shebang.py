"""The first line of a script or library, `#!lua name=value flags=a,b`: which engine, and what the script may do."""

from pyredis.config.words import split_words
from pyredis.errors import CommandError

FLAGS = ("no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys")


def script_flags(body: bytes) -> tuple[frozenset[str] | None, bytes]:
    """A script's flags (None without a shebang) and its code, with the line kept empty. Raises CommandError."""
    if not body.startswith(b"#!"):
        return None, body
    line, end, rest = body.partition(b"\n")
    if not end or b"\0" in line:  # to C the script would end before the line does
        raise CommandError(b"Invalid script shebang")
    words = split_words(line)
    if not words:
        raise CommandError(b"Invalid engine in script shebang")
    if words[0] != b"#!lua":
        raise CommandError(b"Unexpected engine in script shebang: " + words[0])
    flags: set[str] = set()
    for word in words[1:]:
        if not word.startswith(b"flags="):
            raise CommandError(b"Unknown lua shebang option: " + word)
        for flag in word[6:].split(b","):
            name = flag.decode("latin-1")
            if name in FLAGS:
                flags.add(name)
            elif name or b"," in word:
                raise CommandError(b"Unexpected flag in script shebang: " + flag)
    return frozenset(flags), b"\n" + rest
