"""A user of the server: whether and by which passwords it comes in, and what it may do. Follows Redis 8.2.

Of passwords only the SHA-256 is kept. `nopass` lets everybody in, whatever the password. What a user may do is said by
its selectors: the first is its own, the rules `(…)` add others, and one that agrees is enough.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from hmac import compare_digest

from pyredis.engine.acl.selector import CHANNEL, COMMAND, Refusal, RuleError, Selector, has_blanks
from pyredis.engine.command_table.command import Command

_BAD_HASH = b"The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
_NO_SUCH_PASSWORD = b"The password you are trying to remove from the user does not exist"


class UnmatchedParenthesis(Exception):
    """A selector that is not closed, `text` in Redis's words; it begins in rule number `position`."""

    def __init__(self, rules: Sequence[bytes], position: int) -> None:
        self.text = b"Unmatched parenthesis in acl selector starting at '%b'." % rules[position]
        super().__init__(self.text)
        self.position = position


class User:
    """A new user is off and may do nothing; only with `open_channels` it may use all channels."""

    __slots__ = ("is_on", "name", "nopass", "open_channels", "passwords", "sanitizes", "selectors")

    def __init__(self, name: bytes, *, open_channels: bool = False) -> None:
        self.name = name
        self.open_channels = open_channels  # what new selectors begin with: `acl-pubsub-default`
        self.is_on = False
        self.nopass = False
        self.sanitizes = True  # what RESTORE brings is looked through
        self.passwords: list[bytes] = []  # hashes, in lower-case hexadecimal
        self.selectors = [Selector(all_channels=open_channels)]

    @classmethod
    def almighty(cls, name: bytes) -> "User":
        """A user that needs no password and may do everything, as `default` is at first."""
        user = cls(name)
        for rule in (b"+@all", b"~*", b"&*", b"on", b"nopass"):
            user.apply(rule)
        return user

    def take(self, other: "User") -> None:
        """Become what another user is, but for the name."""
        self.is_on, self.nopass, self.sanitizes = other.is_on, other.nopass, other.sanitizes
        self.passwords = [*other.passwords]
        self.selectors = [selector.copy() for selector in other.selectors]

    # Rules

    def apply(self, rule: bytes) -> None:
        """Follow one rule of ACL SETUSER. Raises RuleError where it is none."""
        word = rule.partition(b"\0")[0].lower()
        mark = rule[:1]
        if not rule:
            return
        if word in (b"on", b"off"):
            self.is_on = word == b"on"
        elif word in (b"sanitize-payload", b"skip-sanitize-payload"):
            self.sanitizes = word == b"sanitize-payload"
        elif word in (b"nopass", b"resetpass"):
            self.nopass = word == b"nopass"
            self.passwords.clear()
        elif mark in (b">", b"#"):
            self._add_password(_hash(rule))
        elif mark in (b"<", b"!"):
            self._remove_password(_hash(rule))
        elif mark == b"(" and rule.endswith(b")"):
            self.selectors.append(Selector.described(rule[1:-1], all_channels=self.open_channels))
        elif word == b"clearselectors":
            del self.selectors[1:]
        elif word == b"reset":
            self.take(User(self.name, open_channels=self.open_channels))
        else:
            self.selectors[0].apply(rule)

    def _add_password(self, digest: bytes) -> None:
        if digest not in self.passwords:
            self.passwords.append(digest)
        self.nopass = False

    def _remove_password(self, digest: bytes) -> None:
        if digest not in self.passwords:
            raise RuleError(_NO_SUCH_PASSWORD)
        self.passwords.remove(digest)

    # In words

    @property
    def flags(self) -> list[bytes]:
        """Its switches, in the order of ACL GETUSER."""
        return [
            b"on" if self.is_on else b"off",
            *([b"nopass"] if self.nopass else []),
            b"sanitize-payload" if self.sanitizes else b"skip-sanitize-payload",
        ]

    @property
    def text(self) -> bytes:
        """The rules that make this user, as ACL LIST and configuration files have them."""
        hashes = (b"#" + digest for digest in self.passwords)
        own, *others = (selector.text for selector in self.selectors)
        return b" ".join([*self.flags, *hashes, own, *(b"(%b)" % text for text in others)])

    @property
    def first_arguments(self) -> set[str]:
        """The rules that allow one first argument of a command that is else forbidden."""
        found = (selector.first_arguments for selector in self.selectors)
        return {f"+{name}|{word.decode('latin-1')}" for one in found for name, words in one.items() for word in words}

    # Decisions

    @property
    def is_limited(self) -> bool:
        """Whether there is anything it may not do."""
        return not any(selector.is_unlimited for selector in self.selectors)

    @property
    def asks_password(self) -> bool:
        """Of `default`: whether a new connection has to authenticate."""
        return not self.nopass or not self.is_on

    def admits(self, password: bytes) -> bool:
        """Whether the password is right. How long that takes tells nothing about the passwords."""
        if not self.is_on or self.nopass:
            return self.is_on
        digest = sha256(password).hexdigest().encode()
        return sum(compare_digest(digest, known) for known in self.passwords) > 0

    def refusal(self, command: Command, argv: Sequence[bytes]) -> Refusal | None:
        """Why a command with its words may not run; None when a selector allows it."""
        worst = Refusal(COMMAND, 0)
        for selector in self.selectors:
            found = selector.refusal(command, argv)
            if found is None:
                return None
            worst = max(worst, found)
        return worst

    def may_read_all(self, command: Command, argv: Sequence[bytes]) -> bool:
        """Whether a selector that allows the command also lets it read any key."""
        return any(selector.reads_all_keys and selector.refusal(command, argv) is None for selector in self.selectors)

    def refusal_text(self, refusal: Refusal, command: Command, argv: Sequence[bytes], *, tells_all: bool) -> bytes:
        """A refusal in words; the name of a key or channel only if it `tells_all`."""
        if refusal.reason == COMMAND:
            return b"User %b has no permissions to run the '%b' command" % (self.name, command.name.encode())
        kind = b"channel" if refusal.reason == CHANNEL else b"key"
        if not tells_all:
            return b"No permissions to access a " + kind
        return b"User %b has no permissions to access the '%b' %b" % (self.name, argv[refusal.position], kind)


def is_user_name(name: bytes) -> bool:
    """Whether a user can have this name: it is one word."""
    return not has_blanks(name)


def joined_rules(rules: Iterable[bytes]) -> list[bytes]:
    """Rules with each selector that was spread over several words put together. Raises UnmatchedParenthesis."""
    words = [*rules]
    found: list[bytes] = []
    begin, opened = 0, b""
    for at, word in enumerate(words):
        if not opened and (not word.startswith(b"(") or word.endswith(b")")):
            found.append(word)
        elif not opened:
            begin, opened = at, word
        elif word.endswith(b")"):
            found.append(opened + b" " + word)
            opened = b""
        else:
            opened += b" " + word
    if opened:
        raise UnmatchedParenthesis(words, begin)
    return found


def _hash(rule: bytes) -> bytes:
    """The hash that a rule about a password names: that of `>p` or `<p`, or itself in `#hash` and `!hash`."""
    if rule[:1] in (b">", b"<"):
        return sha256(rule[1:]).hexdigest().encode()
    digest = rule[1:]
    if len(digest) != 64 or not set(digest) <= set(b"0123456789abcdef"):
        raise RuleError(_BAD_HASH)
    return digest
