"""Lines, breakpoints and values as the debugger's user reads them."""

from pytest import mark

from pyredis.scripting.debug_console import BREAKPOINTS_MAX, HELP, Console, command_text, quoted, reply_text

CODE = b"#!lua\nlocal a = 1\na = 2\nreturn a\n\n"


def lines(console):
    return console.taken().split(b"\r\n+")[1:]


def test_a_line_has_marks():
    console = Console(CODE)
    console.line = 3
    console.break_at([b"3", b"2"])
    console.taken()
    for number in (1, 2, 3, 5):
        console.tell_line(number)
    assert console.taken() == (
        b"*4\r\n+   1   #!lua\r\n+  #2   local a = 1\r\n+->#3   a = 2\r\n+   5   <out of range source code line>\r\n"
    )


def test_code_is_listed_around_a_line():
    console = Console(CODE)
    console.line = 2
    console.list([b"1", b"1"])
    assert console.taken() == b"*2\r\n+   1   #!lua\r\n+-> 2   local a = 1\r\n"
    console.list([b"x", b"0"])
    assert console.taken() == b"*1\r\n+-> 2   local a = 1\r\n"
    console.list([b"99"])
    assert console.taken() == b"*0\r\n"
    console.whole([])
    assert console.taken().startswith(b"*4\r\n")
    assert Console(b"").is_breakpoint(1) is False


def test_breakpoints_are_bounded():
    console = Console(b"x\n" * 100)
    console.break_at([b"%d" % number for number in range(1, BREAKPOINTS_MAX + 2)])
    assert console.taken().endswith(b"+Too many breakpoints set.\r\n")
    console.break_at([b"1", b"z", b"-70", b"-5"])
    told = console.taken()
    for text in (b"Too many", b"Invalid argument:'z'", b"No breakpoint in", b"Breakpoint removed."):
        assert text in told
    console.break_at([b"5", b"-6", b"5", b"101"])
    assert console.taken().count(b"Wrong line number.") == 2
    console.break_at([b"0"])
    assert console.taken() == b"*1\r\n+All breakpoints removed.\r\n"
    console.break_at([])
    assert console.taken() == b"*1\r\n+No breakpoints set. Use 'b <line>' to add one.\r\n"


def test_long_values_are_cut_and_that_is_told_once():
    console = Console(b"x")
    console.limit([b"5"])
    assert console.taken() == b"*1\r\n+<value> replies are truncated at 60 bytes.\r\n"
    console = Console(b"x")
    for _ in range(2):
        console.tell_capped(b"y" * 257)
    told = console.taken()
    assert told.startswith(b"*3\r\n") and told.count(b"y" * 256 + b" ...\r\n") == 2
    console.limit([b"0"])
    console.tell_capped(b"y" * 300)
    assert b"y" * 300 + b"\r\n" in console.taken()


def test_no_line_breaks_out_of_a_status():
    console = Console(b"x")
    console.tell(b"a\r\nb")
    assert console.taken() == b"*1\r\n+a  b\r\n"


def test_help_names_every_command():
    text = b"\n".join(HELP)
    for name in (b"step", b"next", b"continue", b"list", b"whole", b"print", b"break", b"trace", b"eval", b"redis"):
        assert b"[%b]%b" % (name[:1], name[1:]) in text
    for name in (b"maxlen", b"abort", b"help"):
        assert b"[%b]%b" % (name[:1], name[1:]) in text


@mark.parametrize(
    ("wire", "text"),
    [
        (b"+OK\r\n", b'"+OK"'),
        (b"-ERR x\r\n", b'"-ERR x"'),
        (b":5\r\n", b"5"),
        (b"$3\r\na\nb\r\n", b'"a\\nb"'),
        (b"$-1\r\n", b"NULL"),
        (b"*-1\r\n", b"NULL"),
        (b"_\r\n", b"(null)"),
        (b"#t\r\n", b"#true"),
        (b"#f\r\n", b"#false"),
        (b",1.5\r\n", b"(double) 1.5"),
        (b"=7\r\ntxt:abc\r\n", b"abc"),
        (b"*2\r\n:1\r\n*1\r\n$1\r\na\r\n", b'[1,["a"]]'),
        (b"~1\r\n$1\r\na\r\n", b'~("a")'),
        (b"%1\r\n$1\r\nf\r\n:1\r\n", b'{"f" => 1}'),
    ],
)
def test_replies_are_readable(wire, text):
    assert reply_text(wire) == text


def test_strings_and_commands_are_readable():
    assert quoted(b'q"\\\n\x01\xff') == b'"q\\"\\\\\\n\\x01\\xff"'
    assert command_text([b"del", *b"123456789"[:0], b"a"]) == b"del a"
    assert command_text([b"del", *[b"%d" % at for at in range(1, 13)]]) == b"del 1 2 3 4 5 6 7 8 9 ... (2 more)"
