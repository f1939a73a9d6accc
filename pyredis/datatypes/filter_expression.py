"""The small language of VSIM's FILTER: `.year > 1980 and .genre in ["a", "b"]`, asked of a JSON object.

Values are numbers, strings, arrays, null, and selectors: `.name` is a field of the object at its top level. Operators,
loosest first: or ||, and &&, the comparisons with `in`, + -, * / %, ** (from the right), not !. An expression is
made a program for a stack: values to push, operators to apply; there is no short cut, so that a field that is missing
anywhere makes the whole untrue. Whatever is not a number is one where one is needed: a string by its text, else 0.

Kept from Redis 8.2: names may hold `-` (`.a-1` is one name), `!!x` is no expression, strings keep their backslashes,
and a fault of structure is reported at the start. Objects are read leniently: only as far as the field asked for.
"""

import re
from collections.abc import Callable
from math import fmod, inf, isinf, nan
from typing import Any, NamedTuple

from pyredis.datatypes import attribute_json
from pyredis.datatypes.attribute_json import MISSING

Value = float | bytes | tuple[Any, ...] | None


class FilterError(ValueError):
    """Not an expression; `position` is where it went wrong, in bytes."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


class Operator(NamedTuple):
    """What an operator word stands for; parentheses have no function."""

    precedence: int
    operands: int
    apply: Callable[..., Value] | None


class Selector(bytes):
    """The name of a field."""

    __slots__ = ()


def _number(value: Value) -> float:
    if isinstance(value, float):
        return value
    if isinstance(value, bytes):
        found = _NUMERIC.fullmatch(value)
        return float(value) if found else 0.0
    return 0.0


def _truth(value: Value) -> bool:
    return value not in (0.0, b"", None)


def _equal(one: Value, other: Value) -> bool:
    if one is None or other is None:
        return one is other
    if isinstance(one, bytes) and isinstance(other, bytes):
        return one == other
    return _number(one) == _number(other)


def _contained(value: Value, within: Value) -> bool:
    """`in`: an array has the value, or a string holds it."""
    if isinstance(within, tuple):
        return any(_equal(value, one) for one in within)
    return isinstance(value, bytes) and isinstance(within, bytes) and value in within


def _power(base: float, exponent: float) -> float:
    try:
        found = base**exponent
    except ZeroDivisionError:
        return inf
    except OverflowError:
        return -inf if base < 0 and exponent % 2 == 1 else inf
    return nan if isinstance(found, complex) else found


def _quotient(one: float, other: float) -> float:
    if other:
        return one / other
    return nan if one == 0 or one != one else inf if one > 0 else -inf


def _remainder(one: float, other: float) -> float:
    return nan if other == 0 or isinf(one) else fmod(one, other)


def _numeric(function: Callable[[float, float], float | bool]) -> Callable[[Value, Value], float]:
    return lambda one, other: float(function(_number(one), _number(other)))


_NOT = Operator(6, 1, lambda value: float(not _truth(value)))
_AND = Operator(1, 2, lambda one, other: float(_truth(one) and _truth(other)))
_OR = Operator(0, 2, lambda one, other: float(_truth(one) or _truth(other)))
_OPEN, _CLOSE = Operator(7, 0, None), Operator(7, -1, None)
_POWER = Operator(5, 2, _numeric(_power))

OPERATORS = {
    b"(": _OPEN,
    b")": _CLOSE,
    b"!": _NOT,
    b"not": _NOT,
    b"**": _POWER,
    b"*": Operator(4, 2, _numeric(lambda one, other: one * other)),
    b"/": Operator(4, 2, _numeric(_quotient)),
    b"%": Operator(4, 2, _numeric(_remainder)),
    b"+": Operator(3, 2, _numeric(lambda one, other: one + other)),
    b"-": Operator(3, 2, _numeric(lambda one, other: one - other)),
    b">": Operator(2, 2, _numeric(lambda one, other: one > other)),
    b">=": Operator(2, 2, _numeric(lambda one, other: one >= other)),
    b"<": Operator(2, 2, _numeric(lambda one, other: one < other)),
    b"<=": Operator(2, 2, _numeric(lambda one, other: one <= other)),
    b"==": Operator(2, 2, lambda one, other: float(_equal(one, other))),
    b"!=": Operator(2, 2, lambda one, other: float(not _equal(one, other))),
    b"in": Operator(2, 2, lambda one, other: float(_contained(one, other))),
    b"and": _AND,
    b"&&": _AND,
    b"or": _OR,
    b"||": _OR,
}
_LONGEST = 3  # bytes of an operator word

_SPACE = re.compile(rb"[ \t\n\v\f\r]*")
_NUMBER = re.compile(rb"-?[0-9.eE]*")
_NUMERIC = re.compile(rb"[ \t\n\v\f\r]*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORD = re.compile(rb"[A-Za-z+\-*%/!()<>=|&]+")
_NAME = re.compile(rb"\.([A-Za-z0-9_-]+|\Z)")
_STRING = re.compile(rb"\"([^\"\\]*(?:\\.[^\"\\]*)*)\"|'([^'\\]*(?:\\.[^'\\]*)*)'", re.DOTALL)

Token = Operator | Value


class _Reader:
    """A cursor over an expression that gives its tokens."""

    __slots__ = ("at", "text", "tokens")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.at = 0
        self.tokens: list[Token] = []

    def read(self) -> list[Token]:
        """All tokens. Raises FilterError."""
        while self._peek():
            self.tokens.append(self._token())
        return self.tokens

    def _peek(self) -> bytes:
        """The next character that is no space; empty at the end."""
        self._match(_SPACE)
        return self.text[self.at : self.at + 1]

    def _match(self, pattern: "re.Pattern[bytes]") -> "re.Match[bytes] | None":
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def _token(self) -> Token:
        first = self._peek()
        if first.isdigit() or (
            first == b"-" and self._begins_value() and self.text[self.at + 1 : self.at + 2].isdigit()
        ):
            return self._number()
        if first in (b'"', b"'"):
            return self._string()
        if first == b"[":
            return self._array()
        name = self._match(_NAME)
        return self._operator() if name is None else Selector(name[1])

    def _begins_value(self) -> bool:
        """Whether a minus here belongs to a number: at the start, and behind an operator."""
        last = self.tokens[-1] if self.tokens else _OPEN
        return isinstance(last, Operator) and last is not _CLOSE

    def _number(self) -> float:
        found = self._match(_NUMBER)
        if found is None or _NUMERIC.fullmatch(found[0]) is None:
            raise FilterError(self.at)
        return float(found[0])

    def _string(self) -> bytes:
        found = self._match(_STRING)
        if found is None:
            raise FilterError(len(self.text))
        return found[found.lastindex or 0]

    def _array(self) -> tuple[Value, ...]:
        values: list[Value] = []
        self.at += 1
        while self._peek() != b"]":
            first = self._peek()
            if not (first.isdigit() or first in (b"-", b'"', b"'")):
                raise FilterError(self.at)
            values.append(self._string() if first in (b'"', b"'") else self._number())
            if self._peek() != b",":
                break
            self.at += 1
        if self._peek() != b"]":
            raise FilterError(self.at)
        self.at += 1
        return tuple(values)

    def _operator(self) -> Token:
        start = self.at
        found = self._match(_WORD)
        word = found[0] if found else b""
        if word == b"null":
            return None
        for size in range(min(_LONGEST, len(word)), 0, -1):
            operator = OPERATORS.get(word[:size])
            if operator is not None:
                self.at = start + size
                return operator
        raise FilterError(self.at)


class _Compiler:
    """Puts tokens into the order of execution: values as they come, operators behind their operands."""

    __slots__ = ("program", "values", "waiting")

    def __init__(self) -> None:
        self.program: list[Token] = []
        self.waiting: list[Operator] = []
        self.values = 0  # on the stack when the program has run so far

    def compile(self, tokens: list[Token]) -> list[Token]:
        """The program. Raises FilterError, at the start: Redis does not tell where."""
        for token in tokens:
            if isinstance(token, Operator):
                self._operator(token)
            else:
                self.program.append(token)
                self.values += 1
        while self.waiting:
            self._emit(self.waiting.pop())
        if self.values != 1:
            raise FilterError(0)
        return self.program

    def _operator(self, operator: Operator) -> None:
        if operator is _CLOSE:
            while self.waiting and self.waiting[-1] is not _OPEN:
                self._emit(self.waiting.pop())
            if not self.waiting:
                raise FilterError(0)
            self.waiting.pop()
            return
        if operator is not _OPEN:
            least = operator.precedence + (operator is _POWER)
            while self.waiting and self.waiting[-1] is not _OPEN and self.waiting[-1].precedence >= least:
                self._emit(self.waiting.pop())
        self.waiting.append(operator)

    def _emit(self, operator: Operator) -> None:
        if operator is _OPEN or self.values < operator.operands:
            raise FilterError(0)
        self.program.append(operator)
        self.values -= operator.operands - 1


class Filter:
    """A compiled expression. Raises FilterError for what is none."""

    __slots__ = ("_program",)

    def __init__(self, expression: bytes) -> None:
        self._program = _Compiler().compile(_Reader(expression.partition(b"\0")[0]).read())

    def accepts(self, attributes: bytes | None) -> bool:
        """Whether the expression is true of an object, given as JSON; never for none."""
        if attributes is None:
            return False
        stack: list[Any] = []
        for token in self._program:
            if isinstance(token, Operator):
                assert token.apply is not None
                operands = stack[-token.operands :]
                del stack[-token.operands :]
                stack.append(token.apply(*operands))
            elif isinstance(token, Selector):
                value = attribute_json.field(attributes, token) if token else MISSING
                if value is MISSING:
                    return False
                stack.append(value)
            else:
                stack.append(token)
        return _truth(stack[0])
