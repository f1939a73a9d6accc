import pytest

from pyredis.config.commandline import Action, parse
from pyredis.config.store import Config, ConfigError


@pytest.mark.parametrize(
    ("argv", "lines"),
    [
        ([], ""),
        (["--port", "0"], 'port "0" '),
        (["--port 0", "--save 900 1"], "port 0 \nsave 900 1 "),
        (["--save", ""], 'save "" '),
        (["--save", "--port", "1"], 'save "" \nport "1" '.replace('"" ', '""')),
        (["--save"], 'save ""'),
        (["--bind", "127.0.0.1", "::1"], 'bind "127.0.0.1" "::1" '),
        (["--port", "--hz"], 'port "--hz" '),
        (["--sentinel", "--port", "1"], 'sentinel \nport "1" '),
    ],
)
def test_lines(argv, lines):
    assert parse(argv).lines == lines


def test_file_stdin_and_actions():
    options = parse(["a.conf", "--hz", "20", "-"])
    assert (options.file, options.stdin, options.lines) == ("a.conf", True, 'hz "20" ')
    assert parse(["-"]).stdin
    assert parse(["-v"]).action is Action.VERSION
    assert parse(["--help"]).action is Action.HELP
    assert [parse(["--test-memory", *words]).megabytes for words in (["5"], ["x"], [])] == [5, 0, None]
    assert parse(["a.conf", "--sentinel"]).sentinel


def test_an_option_without_value_is_an_error_of_its_line():
    with pytest.raises(ConfigError) as caught:
        Config().load_lines("\n" + parse(["--daemonize"]).lines)
    assert str(caught.value).endswith("at line 2\n>>> 'daemonize'\nwrong number of arguments")
