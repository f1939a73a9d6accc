"""INFO's sections: who is shown by default, by `all`, by `everything` and by name only."""

from pytest import fixture, mark

from pyredis.engine.observability.info import Info


@fixture
def info(monkeypatch):
    monkeypatch.setattr("pyredis.engine.observability.info.LAYOUT", {})
    info = Info()
    info.add("One", lambda: {"a": 1, "b": "x"})
    info.add("Two", lambda: {"c": 3}, by_default=False)
    info.add("Three", lambda: {"d": 4}, by_all=False)
    info.add("One", lambda: {"b": "y", "e": 5})
    return info


@mark.parametrize(
    ("asked", "titles"),
    [
        ([], ["One"]),
        (["default"], ["One"]),
        (["all"], ["One", "Two"]),
        (["everything"], ["One", "Two"]),
        (["three"], ["Three"]),
        (["two", "default"], ["One", "Two"]),
        (["three", "all"], ["One", "Two", "Three"]),
        (["nosuch"], []),
    ],
)
def test_which_sections_are_shown(info, asked, titles):
    assert [line[2:] for line in info.render(asked).decode().split("\r\n") if line[:1] == "#"] == titles


def test_who_comes_later_knows_a_field_better(info):
    assert info.render(["one"]) == b"# One\r\na:1\r\nb:y\r\ne:5\r\n"
    assert info.render(["one", "two"]) == b"# One\r\na:1\r\nb:y\r\ne:5\r\n\r\n# Two\r\nc:3\r\n"
