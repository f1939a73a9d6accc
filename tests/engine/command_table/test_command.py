"""Declaring commands: what signature and docstring tell, where keys stand, rows that contradict themselves."""

from pytest import fixture, mark, raises

from pyredis.engine.command_table import command as table
from pyredis.engine.command_table.command import FAST, READONLY, WRITE, CountedKeys, Keys, KeywordKeys, UnknownKeys

ROW = {"group": "string", "since": "1.0.0", "complexity": "O(1)"}


@fixture
def declared(monkeypatch):
    """A table of the test's own; what it holds after `declare`."""
    monkeypatch.setattr(table, "TABLE", table.CommandTable())
    return table.TABLE


def no_keys(ctx):
    """TRY

    Does nothing.
    """


def one(ctx, key):
    """TRY key

    Does
    little.
    """


def optional(ctx, key, value=b""):
    """TRY key [value]

    Does more.
    """


def several(ctx, key, *others):
    """TRY key [key ...]

    Does a lot.
    """


@mark.parametrize(
    ("function", "least", "most", "arity"),
    [(no_keys, 1, 1, 1), (one, 2, 2, 2), (optional, 2, 1 << 30, -2), (several, 2, 1 << 30, -2)],
)
def test_the_signature_is_the_arity(declared, function, least, most, arity):
    table.command("TRY", **ROW)(function)
    row = declared["try"]
    assert (row.minimum, row.maximum, row.arity, row.handler) == (least, most, arity, function)


def test_a_subcommand_counts_its_container_s_word_and_is_found_there(declared):
    def sub(ctx, key):
        """TRY SUB key

        Does nothing.
        """

    table.container("TRY", summary="Tries.", group="generic", since="1.0.0")
    table.command("TRY SUB", **ROW)(sub)
    assert declared["try"].subcommands == {b"sub": declared["try|sub"]}
    assert (declared["try|sub"].arity, declared["try|sub"].container, declared["try"].arity) == (3, "try", -2)
    assert declared["try"].categories == {"slow"}


def test_the_docstring_is_the_manual(declared):
    table.command("TRY", **ROW)(one)
    assert declared["try"].summary == "Does little."


@mark.parametrize("text", [None, "", "TRY key", "TRYING key\n\nDoes.", "OTHER key\n\nDoes.", "TRY key\n\n  "])
def test_a_docstring_that_is_none_is_refused(declared, text):
    function = lambda ctx, key: None  # noqa: E731
    function.__doc__ = text
    with raises(ValueError, match="docstring"):
        table.command("TRY", **ROW)(function)


def other(ctx):
    """TRYING

    Does nothing either.
    """


def test_rows_that_contradict_themselves_are_refused(declared):
    table.command("TRY", **ROW)(one)
    with raises(ValueError, match="twice"):
        table.command("TRY", **ROW)(one)
    with raises(ValueError, match="both write and be read-only"):
        table.command("TRYING", flags=WRITE | READONLY, **ROW)(other)
    with raises(ValueError, match="variable"):
        Keys(1, "RO variable_flags")
    with raises(ValueError, match="variable"):
        Keys(1, "RO", actual=lambda argv: "RO")


@mark.parametrize(
    ("flags", "more", "expected"),
    [
        (READONLY | FAST, "", {"read", "fast", "string"}),
        (WRITE, "dangerous", {"write", "slow", "string", "dangerous"}),
        (WRITE, "-write keyspace", {"slow", "string", "keyspace"}),
    ],
)
def test_categories_follow_from_flags_and_group(declared, flags, more, expected):
    table.command("TRY", flags=flags, categories=more, **ROW)(one)
    assert declared["try"].categories == expected


@mark.parametrize(
    ("spec", "line", "found"),
    [
        (Keys(1, "RO"), "GET a b", "a"),
        (Keys(2, "RO"), "OBJECT FREQ a", "a"),
        (Keys(1, "RO"), "GET", ""),
        (Keys(1, "RO", last=-1), "MGET a b c", "abc"),
        (Keys(1, "RO", last=-2), "BLPOP a b 0", "ab"),
        (Keys(1, "RO", last=1), "RENAME a b c", "ab"),
        (Keys(1, "RO", last=-1, step=2), "MSET a 1 b 2", "ab"),
        (Keys(2, "RO", last=-1, limit=2), "STREAMS x a b 1 2", "ab"),
        (CountedKeys(1, "RO"), "EVAL 2 a b c", "ab"),
        (CountedKeys(1, "RO"), "EVAL 0 a", ""),
        (CountedKeys(1, "RO"), "EVAL 3 a b", ""),
        (CountedKeys(1, "RO"), "EVAL x a b", ""),
        (CountedKeys(1, "RO"), "EVAL", ""),
        (KeywordKeys("STORE", 2, "OW"), "SORT a BY x store d", "d"),
        (KeywordKeys("STORE", 2, "OW"), "SORT STORE a", ""),
        (KeywordKeys("STORE", 2, "OW"), "SORT a STORE", ""),
        (KeywordKeys("STREAMS", 1, "RO", last=-1, limit=2), "XREAD COUNT 1 STREAMS a b 0 0", "ab"),
        (UnknownKeys("RO", find=lambda argv: range(2, 3)), "FIND x a", "a"),
        (UnknownKeys("RO"), "FIND x a", ""),
        (Keys(1, "RO not_key"), "GET a", ""),
    ],
)
def test_where_keys_stand(declared, spec, line, found):
    table.command("TRY", keys=[spec], **ROW)(several)
    assert b"".join(declared["try"].keys_in([word.encode() for word in line.split()])).decode() == found


def test_flags_that_vary_are_told_from_the_words(declared):
    spec = Keys(1, "RW variable_flags", actual=lambda argv: "RO" if argv[-1] == b"GET" else "RW")
    table.command("TRY", keys=[spec], **ROW)(several)
    assert [declared["try"].key_uses([b"TRY", b"a", word]) for word in (b"GET", b"SET")] == [[(1, "RO")], [(1, "RW")]]


def test_a_family_is_imported_for_its_first_command_or_for_all(declared, monkeypatch):
    imported = []

    def load(family):
        imported.append(family)
        if family == "one":
            table.command("TRY", **ROW)(one)
        else:
            table.command("TRYING", **ROW)(other)

    declared.expect({"two": ["trying"], "one": ["try"]}, load)
    assert declared.get("none") is declared.get("none|sub") is None
    assert (imported, declared.is_complete) == ([], False)
    assert declared.get("try").name == declared["try"].name == "try"
    assert imported == ["one"]
    assert [*declared] == ["try", "trying"]
    assert (imported, declared.is_complete, len(declared)) == (["one", "two"], True, 2)
