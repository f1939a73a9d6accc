"""What the user of the Lua debugger sees: lines of text about a script, in the form that redis-cli prints.

Knows neither Lua nor sockets. Each answer is an array of status replies, one for each line. What a word of the user's
means is in `COMMANDS` of the debugger; here are those that need only the script's text.
"""

from collections.abc import Sequence

BREAKPOINTS_MAX = 64
MAXLEN = 256
"""Bytes of a line that shows a value, unless the user says otherwise."""

_MAXLEN_LEAST = 60
_ARGUMENTS_SHOWN = 10
_CONTEXT, _WHOLE = 5, 1_000_000
_ESCAPES = {7: b"\\a", 8: b"\\b", 9: b"\\t", 10: b"\\n", 13: b"\\r", 34: b'\\"', 92: b"\\\\"}
_SHOWN = [_ESCAPES.get(code) or (bytes((code,)) if 32 <= code < 127 else b"\\x%02x" % code) for code in range(256)]

HELP = b"""Commands of the debugger, by their first letter or whole:
[h]elp               These lines.
[s]tep, [n]ext       Run this line and stop at the next one.
[c]ontinue           Run on to a breakpoint, or to the end.
[l]ist [line [ctx]]  The code around a line (0: the present one), ctx lines before and after it.
[w]hole              All of the code.
[p]rint [name]       A variable's value, KEYS and ARGV among them, or all local variables.
[b]reak              The breakpoints.
[b]reak line ...     Set some; -line removes one, 0 removes all.
[t]race              Which functions called which.
[e]val code          Evaluate Lua code, which sees no local variables.
[r]edis command ...  Run a command as the script would.
[m]axlen [bytes]     How long a shown value may be; 0: any length.
[a]bort              End the script here. With SYNC, what it has written stays.

Scripts may call:
redis.debug(...)     Show values here.
redis.breakpoint()   Stop at the next line.""".split(b"\n")


class Console:
    """The code of a script, where it is, and what is to be told. `line` counts from 1."""

    def __init__(self, code: bytes) -> None:
        code = code.rstrip(b"\r\n")
        self._lines = code.split(b"\n") if code else []
        self._breakpoints: list[int] = []
        self._told: list[bytes] = []
        self._maxlen = MAXLEN
        self._hinted = False
        self.line = 0

    def tell(self, text: bytes) -> None:
        """Show a line."""
        self._told.append(text.replace(b"\r", b" ").replace(b"\n", b" "))

    def tell_capped(self, text: bytes) -> None:
        """Show a line that may be too long to be seen whole."""
        if not self._maxlen or len(text) <= self._maxlen:
            self.tell(text)
            return
        self.tell(text[: self._maxlen] + b" ...")
        if not self._hinted:
            self._hinted = True
            self.tell(b"<hint> The above reply was trimmed. Use 'maxlen 0' to disable trimming.")

    def tell_line(self, number: int) -> None:
        """Show a line of the code, with the marks of where the script is and of breakpoints."""
        here = b"->" if number == self.line else b"  "
        mark = b"#" if number in self._breakpoints else b" "
        inside = 0 < number <= len(self._lines)
        code = self._lines[number - 1] if inside else b"<out of range source code line>"
        self.tell(b"%b%b%-3d %b" % (here, mark, number, code))

    def taken(self) -> bytes:
        """The bytes of what was told since it was last taken."""
        told, self._told = self._told, []
        return b"*%d\r\n" % len(told) + b"".join(b"+%b\r\n" % text for text in told)

    def is_breakpoint(self, number: int) -> bool:
        """Whether the script shall stop at a line."""
        return number in self._breakpoints

    # What the user may ask

    def help(self, words: Sequence[bytes]) -> None:
        """Tell what there is."""
        for line in HELP:
            self.tell(line)

    def list(self, words: Sequence[bytes]) -> None:
        """Show the code around a line."""
        around = _number(words[0]) if words else 0
        self._show(around if around > 0 else self.line, _number(words[1]) if len(words) > 1 else _CONTEXT)

    def whole(self, words: Sequence[bytes]) -> None:
        """Show all of the code."""
        self._show(1, _WHOLE)

    def limit(self, words: Sequence[bytes]) -> None:
        """Show or set how long a value may be."""
        if len(words) == 1:
            self._hinted = True
            asked = _number(words[0])
            self._maxlen = max(asked, _MAXLEN_LEAST) if asked else 0
        if self._maxlen:
            self.tell(b"<value> replies are truncated at %d bytes." % self._maxlen)
        else:
            self.tell(b"<value> replies are unlimited.")

    def break_at(self, words: Sequence[bytes]) -> None:
        """Show, set or remove breakpoints."""
        if not words:
            self._show_breakpoints()
        for word in words:
            try:
                number = int(word)
            except ValueError:
                self.tell(b"Invalid argument:'%b'" % word)
                continue
            if number == 0:
                self._breakpoints.clear()
                self.tell(b"All breakpoints removed.")
            elif number < 0:
                self._remove(-number)
            else:
                self._add(number)

    def _add(self, number: int) -> None:
        if len(self._breakpoints) == BREAKPOINTS_MAX:
            self.tell(b"Too many breakpoints set.")
        elif number > len(self._lines) or number in self._breakpoints:
            self.tell(b"Wrong line number.")
        else:
            self._breakpoints.append(number)
            self._show(number, 1)

    def _remove(self, number: int) -> None:
        if number in self._breakpoints:
            self._breakpoints.remove(number)
            self.tell(b"Breakpoint removed.")
        else:
            self.tell(b"No breakpoint in the specified line.")

    def _show_breakpoints(self) -> None:
        if not self._breakpoints:
            self.tell(b"No breakpoints set. Use 'b <line>' to add one.")
            return
        self.tell(b"%d breakpoints set:" % len(self._breakpoints))
        for number in self._breakpoints:
            self.tell_line(number)

    def _show(self, around: int, context: int) -> None:
        for number in range(max(around - context, 1), min(around + context, len(self._lines)) + 1):
            self.tell_line(number)


def command_text(words: Sequence[bytes]) -> bytes:
    """A command as a line; of many arguments only the first."""
    if len(words) <= _ARGUMENTS_SHOWN:
        return b" ".join(words)
    return b" ".join(words[:_ARGUMENTS_SHOWN]) + b" ... (%d more)" % (len(words) - _ARGUMENTS_SHOWN - 1)


def quoted(text: bytes) -> bytes:
    """A string between quotes, with escapes for what is no plain ASCII."""
    return b'"%b"' % b"".join([_SHOWN[code] for code in text])


def reply_text(wire: bytes) -> bytes:
    """A reply's bytes as its user reads it."""
    return _reply(wire, 0)[0]


def _reply(wire: bytes, at: int) -> tuple[bytes, int]:
    """The text of the reply at a position, and where the next begins."""
    kind, stop = wire[at : at + 1], wire.index(b"\r\n", at)
    line, following = wire[at + 1 : stop], stop + 2
    if kind in b"+-":
        return quoted(kind + line), following
    if kind in b"$=":
        if line == b"-1":
            return b"NULL", following
        end = following + int(line)
        text = wire[following:end]
        return quoted(text) if kind == b"$" else text[4:], end + 2
    if kind in b"*~":
        if line == b"-1":
            return b"NULL", following
        texts, following = _replies(wire, following, int(line))
        head, tail = (b"[", b"]") if kind == b"*" else (b"~(", b")")
        return head + b",".join(texts) + tail, following
    if kind == b"%":
        texts, following = _replies(wire, following, 2 * int(line))
        pairs = zip(texts[::2], texts[1::2], strict=True)
        return b"{" + b",".join(b"%b => %b" % pair for pair in pairs) + b"}", following
    return {b"_": b"(null)", b"#": b"#true" if line == b"t" else b"#false", b",": b"(double) " + line}.get(
        kind, line
    ), following


def _replies(wire: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    texts = []
    for _ in range(count):
        text, at = _reply(wire, at)
        texts.append(text)
    return texts, at


def _number(word: bytes) -> int:
    """As C's atoi: 0 for what is no number."""
    try:
        return int(word)
    except ValueError:
        return 0
