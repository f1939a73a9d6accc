"""The first line of a script: what it may say, as Redis reads it."""

from pytest import mark

from pyredis.errors import CommandError
from pyredis.scripting.shebang import script_flags


@mark.parametrize(
    ("body", "flags", "code"),
    [
        (b"return 1", None, b"return 1"),
        (b"#!lua\nreturn 1", set(), b"\nreturn 1"),  # the line stays, empty: Lua counts it
        (b"#!lua flags=no-writes,allow-oom\nx\ny", {"no-writes", "allow-oom"}, b"\nx\ny"),
        (b"#!lua flags=no-writes flags=allow-stale\n", {"no-writes", "allow-stale"}, b"\n"),
        (b"#!lua flags=\nx", set(), b"\nx"),
        (b"# !lua", None, b"# !lua"),
    ],
)
def test_what_is_read(body, flags, code):
    assert script_flags(body) == (None if flags is None else frozenset(flags), code)


@mark.parametrize(
    ("body", "text"),
    [
        (b"#!lua", b"Invalid script shebang"),
        (b"#!js\nx", b"Unexpected engine in script shebang: #!js"),
        (b"#!lua name=x\nx", b"Unknown lua shebang option: name=x"),
        (b"#!lua flags=no-write\nx", b"Unexpected flag in script shebang: no-write"),
        (b"#!lua flags=no-writes,\nx", b"Unexpected flag in script shebang: "),
        (b'#!lua "open\nx', b"Invalid engine in script shebang"),
        (b"#!lua flags=no-writes\0\nx", b"Invalid script shebang"),
        (b"#!lu\0a\nx", b"Invalid script shebang"),
    ],
)
def test_what_is_refused(both, body, text):
    try:
        script_flags(body)
    except CommandError as error:
        assert error.text == text
    both("EVAL", body, "0")
