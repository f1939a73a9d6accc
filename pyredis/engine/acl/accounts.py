"""The users of a server, and which of them each client is. Follows Redis 8.2.

Every client begins as the user `default`, which at first needs no password and may do everything; `requirepass` is
nothing but its password. A client's gate UNAUTHENTICATED stands until it has shown who it is, where `default` has to;
its gate RESTRICTED stands while there is anything its user may not do, so that others pay nothing for permissions.

Users come from `user` lines of the configuration or from `aclfile`, never from both, and go back there by CONFIG
REWRITE or ACL SAVE.
"""

import errno
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pyredis.config.config_rewrite import overwrite
from pyredis.config.store import ConfigError, Directive, fatal
from pyredis.engine.acl.acl_file import parse_users
from pyredis.engine.acl.selector import UNKNOWN_NAME, RuleError, allows_channel
from pyredis.engine.acl.user import UnmatchedParenthesis, User, is_user_name, joined_rules
from pyredis.engine.execution import detours, gates
from pyredis.engine.messaging.channels import PubSub
from pyredis.engine.roster import Clients
from pyredis.errors import CommandError

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine

DEFAULT = b"default"
_TWO_SOURCES = (
    "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. This setup"
    " is very likely to lead to configuration errors and security holes, please define either an ACL file or declare"
    " users directly in your redis.conf, but not both."
)
_DISABLED = (
    "The user '%s' is disabled (there is no 'on' modifier in the user description). "
    "Make sure this is not a configuration error."
)
_NOT_SAVED = b"There was an error trying to save the ACLs. Please check the server logs for more information"


class Acl:
    """Users by name. Raises ConfigError where the configuration's users are wrong: the server does not start."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._config = engine.config
        self.default = engine[Clients].first_user = User.almighty(DEFAULT)
        self.users: dict[bytes, User] = {DEFAULT: self.default}
        self._config.on_change("requirepass", self._set_default_password)
        self._config.on_rewrite("user", self._configuration_lines)
        self._set_default_password(self._config["requirepass"])
        self._load_configured()

    @property
    def sorted_users(self) -> list[User]:
        """All users in the order of their names."""
        return [self.users[name] for name in sorted(self.users)]

    @property
    def lines(self) -> list[bytes]:
        """All users as `user <name> <rules>`."""
        return [b"user %b %b" % (user.name, user.text) for user in self.sorted_users]

    # Clients

    def start_over(self, client: "Client") -> None:
        """What a new connection is: `default`, which may have to authenticate."""
        self.assign(client, self.default)
        if self.default.asks_password:
            client.gates |= gates.UNAUTHENTICATED
        else:
            client.gates &= ~gates.UNAUTHENTICATED

    def assign(self, client: "Client", user: User) -> None:
        """Let a client be a user."""
        client.user = user
        if user.is_limited:
            client.gates |= gates.RESTRICTED
        else:
            client.gates &= ~gates.RESTRICTED

    def _update_gates(self, user: User) -> None:
        """A user changed: so do its clients' gates."""
        for client in self._engine[Clients].listed.values():
            if client.user is user:
                self.assign(client, user)

    def _disconnect(self, client: "Client") -> None:
        """Part with a client whose user is gone, or lost what it uses; with the one that says so behind its reply."""
        self.assign(client, self.default)
        client.gates |= gates.UNAUTHENTICATED
        if client is self._engine.running:
            client.gates |= detours.CLOSING
        else:
            client.close(at_once=True)
            self._engine[Clients].disconnect(client)

    # Changes

    def set_user(self, name: bytes, rules: Sequence[bytes]) -> None:
        """ACL SETUSER: all rules or none. Raises CommandError."""
        if not is_user_name(name):
            raise CommandError(b"Usernames can't contain spaces or null characters")
        user, draft = self.users.get(name), self._new_user(name)
        if user is not None:
            draft.take(user)
        self._follow(draft, rules)
        self._warn_of(draft.first_arguments - (user.first_arguments if user is not None else set()))
        if user is None:
            self.users[name] = draft
            return
        self._part_with_listeners(user, draft)
        user.take(draft)
        self._update_gates(user)

    def delete(self, names: Iterable[bytes]) -> int:
        """ACL DELUSER: how many there were; their clients are disconnected. Raises CommandError for `default`."""
        names = list(names)
        if DEFAULT in names:
            raise CommandError(b"The 'default' user cannot be removed")
        gone = [user for user in (self.users.pop(name, None) for name in names) if user is not None]
        for client in list(self._engine[Clients].listed.values()):
            if client.user in gone:
                self._disconnect(client)
        return len(gone)

    def _follow(self, user: User, rules: Sequence[bytes]) -> None:
        try:
            for rule in joined_rules(rules):
                try:
                    user.apply(rule)
                except RuleError as failure:
                    shown = rule.partition(b"\0")[0]
                    raise CommandError(b"Error in ACL SETUSER modifier '%b': %b" % (shown, failure.text))
        except UnmatchedParenthesis as failure:
            raise CommandError(failure.text)

    def _warn_of(self, rules: set[str]) -> None:
        for rule in sorted(rules):
            text = "Allowing one first argument of a forbidden command is deprecated (rule: %s)"
            self._engine.log.warning(text, rule)

    def _new_user(self, name: bytes) -> User:
        return User(name, open_channels=self._config["acl-pubsub-default"] == "allchannels")

    def _set_default_password(self, password: str | None) -> None:
        """`requirepass`: the only password of `default`; None: it needs none."""
        self.default.apply(b"resetpass")
        self.default.apply(b">" + password.encode("utf-8", "surrogateescape") if password else b"nopass")

    def _part_with_listeners(self, user: User, changed: User) -> None:
        """Disconnect a user's clients that listen to channels which it may not use once it has changed."""
        left = _channels_left(user, changed)
        if left is not None:
            for client in list(self._engine[Clients].listed.values()):
                if client.user is user and self._listens_beyond(client, left):
                    self._disconnect(client)

    def _listens_beyond(self, client: "Client", allowed: dict[bytes, None]) -> bool:
        pubsub = self._engine[PubSub]
        channels = [*pubsub.channels.names(client), *pubsub.shards.names(client)]
        return not (
            all(allows_channel(allowed, name, is_pattern=True) for name in pubsub.patterns.names(client))
            and all(allows_channel(allowed, name, is_pattern=False) for name in channels)
        )

    # The configuration

    def _configuration_lines(self) -> list[str]:
        """CONFIG REWRITE's `user` lines; none with an ACL file."""
        if self._config["aclfile"]:
            return []
        return [line.decode("utf-8", "surrogateescape") for line in self.lines]

    def _load_configured(self) -> None:
        directives = self._config.directives.get("user", [])
        if self._config["aclfile"] and directives:
            raise ConfigError(_TWO_SOURCES)
        checked: dict[bytes, list[bytes]] = {}
        for directive in directives:
            name, *words = (word.encode("utf-8", "surrogateescape") for word in directive)
            checked[name] = self._checked(checked, directive, name, words)
        for name, rules in checked.items():
            self._load_user(name, rules)
        if self._config["aclfile"]:
            try:
                self._load_file()
            except CommandError as failure:
                raise ConfigError(f"Aborting Redis startup because of ACL errors: {failure.text.decode()}")

    def _checked(
        self, known: Iterable[bytes], directive: Directive, name: bytes, words: Sequence[bytes]
    ) -> list[bytes]:
        """The rules of a `user` line, joined. Raises ConfigError with the line; unknown commands are not told yet."""
        if name in known:
            text = b"Duplicate user found. A user can only be defined once in config files"
            raise _wrong_line(directive, name, text)
        try:
            rules = joined_rules(words)
        except UnmatchedParenthesis as failure:
            raise _wrong_line(directive, [b"user", name, *words][failure.position], b"Wrong format")
        draft = self._new_user(name)
        for at, rule in enumerate(rules):
            try:
                draft.apply(rule)
            except RuleError as failure:
                if failure.text != UNKNOWN_NAME:  # Redis names the word two before the one at fault
                    raise _wrong_line(directive, [b"user", name, *words][at], failure.text)
        return rules

    def _load_user(self, name: bytes, rules: Sequence[bytes]) -> None:
        """Make a user of a `user` line. Raises ConfigError."""
        if not is_user_name(name):
            raise ConfigError("Spaces not allowed in ACL usernames\nCritical error while loading ACLs. Exiting.")
        user = self.users.setdefault(name, self._new_user(name))
        user.take(self._new_user(name))
        shown = name.decode("utf-8", "backslashreplace")
        for rule in rules:
            try:
                user.apply(rule)
            except RuleError as failure:
                text = f"'{rule.decode('utf-8', 'backslashreplace')}' for the user named '{shown}'"
                raise ConfigError(
                    f"Error loading ACL rule {text}: {failure.text.decode()}\n"
                    "Critical error while loading ACLs. Exiting."
                )
        if not user.is_on:
            self._engine.log.info(_DISABLED, shown)
        self._warn_of(user.first_arguments)

    # The ACL file

    def load(self) -> None:
        """ACL LOAD: the users of the file take the place of all others. Raises CommandError and changes nothing."""
        self._require_file()
        self._load_file()

    def save(self) -> None:
        """ACL SAVE. Raises CommandError."""
        self._require_file()
        try:
            overwrite(self._path, b"".join(line + b"\n" for line in self.lines))
        except OSError as failure:
            self._engine.log.warning("Saving the ACL file: %s", failure.strerror)
            raise CommandError(_NOT_SAVED)

    @property
    def _path(self) -> Path:
        return Path(self._config["dir"], self._config["aclfile"])

    def _require_file(self) -> None:
        if not self._config["aclfile"]:
            raise CommandError(
                b"This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL "
                b"SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) "
                b"in order to store users in the Redis configuration."
            )

    def _load_file(self) -> None:
        shown = self._config["aclfile"].encode("utf-8", "surrogateescape")
        try:
            content = self._path.read_bytes()
        except OSError as failure:
            reason = os.strerror(failure.errno or errno.EIO).encode()
            raise CommandError(b"Error loading ACLs, opening file '%b': %b" % (shown, reason))
        try:
            users = parse_users(content, shown, open_channels=self._new_user(b"").open_channels)
        except RuleError as failure:
            raise CommandError(failure.text)
        self.default.take(users.get(DEFAULT) or User.almighty(DEFAULT))
        self.users = {**users, DEFAULT: self.default}
        for user in self.users.values():
            self._warn_of(user.first_arguments)
        for client in list(self._engine[Clients].listed.values()):
            self._follow_file(client)

    def _follow_file(self, client: "Client") -> None:
        """A client is now the user of the same name, if there is one and it may go on listening."""
        user = self.users.get(client.user.name)
        left = _channels_left(client.user, user) if user is not None else None
        if user is None or (left is not None and self._listens_beyond(client, left)):
            self._disconnect(client)
        else:
            self.assign(client, user)


def _channels_left(before: User, after: User) -> dict[bytes, None] | None:
    """The channel patterns of a user who lost some by a change; None if it lost none."""
    if any(selector.all_channels for selector in after.selectors):
        return None
    left = {pattern: None for selector in after.selectors for pattern in selector.channels}
    kept = all(not selector.all_channels and selector.channels.keys() <= left.keys() for selector in before.selectors)
    return None if kept else left


def _wrong_line(directive: Directive, word: bytes, reason: bytes) -> ConfigError:
    shown = word.decode("utf-8", "surrogateescape")
    return fatal(f"Error in user declaration '{shown}': {reason.decode()}", directive.number, directive.line)
