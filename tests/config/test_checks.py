"""What a string parameter must look like; the texts are compared with the real server's in test_parameters.py."""

from pytest import mark

from pyredis.config import checks


@mark.parametrize(
    ("check", "good", "bad"),
    [
        (checks.dump_name, ["dump.rdb", ""], ["a/b", "a\\b", "/"]),
        (checks.aof_name, ["a.aof"], ["", "a/b", "a\\b"]),
        (checks.aof_directory, ["folder"], ["", "a/b"]),
        (checks.hostname, ["", "a.b-c9", "x" * 255], ["x" * 256, "a b", "a_b", "ä", "a\n"]),
        (checks.node_name, ["", "node 1", "a/b"], ["a!", "a&b", "~"]),
        (
            checks.title_template,
            ["{title} {port}", "x", "{listen-addr} {server-mode}"],
            ["", "{no}", "{", "{{title}"],
        ),
        (checks.locale, ["", "C", "POSIX"], ["de_DE", "c"]),
    ],
)
def test_what_passes_and_what_does_not(check, good, bad):
    assert [value for value in good if check(value) is not None] == []
    assert [value for value in bad if check(value) is None] == []
