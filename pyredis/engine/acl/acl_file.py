"""The file of users that `aclfile` names: a line `user <name> <rule> …` each, and nothing else but empty lines.

It is read as a whole or not at all, with everything that is wrong in it told at once. Words are separated by single
spaces and nothing is quoted. Follows Redis 8.2, whose ACL LOAD this is.
"""

from collections.abc import Sequence

from pyredis.engine.acl.selector import UNKNOWN_NAME, RuleError
from pyredis.engine.acl.user import UnmatchedParenthesis, User, is_user_name, joined_rules

_NOTHING_CHANGED = b"WARNING: ACL errors detected, no change to the previously active ACL rules was performed"

Users = dict[bytes, User]


def parse_users(content: bytes, file: bytes, *, open_channels: bool) -> Users:
    """The users of a file by name; `file` is its name in errors. Raises RuleError with all that is wrong."""
    users: Users = {}
    errors = b""
    for number, line in enumerate(content.split(b"\n"), 1):
        words = line.strip(b" \t\r\n").split(b" ")
        if words != [b""]:
            errors += _add_user(users, words, number, b"%b:%d" % (file, number), open_channels=open_channels)
    if errors:
        raise RuleError(errors + _NOTHING_CHANGED)
    return users


def _add_user(users: Users, words: Sequence[bytes], number: int, place: bytes, *, open_channels: bool) -> bytes:
    """Add the user of a line; what is wrong with it."""
    if words[0] != b"user" or len(words) < 2:
        return b"%b should start with user keyword followed by the username. " % place
    name = words[1]
    if not is_user_name(name):
        return b"'%b: username '%b' contains invalid characters. " % (place, name)
    if name in users:
        return b"WARNING: Duplicate user '%b' found on line %d. " % (name, number)
    users[name] = User(name, open_channels=open_channels)
    try:
        rules = joined_rules(words[2:])
    except UnmatchedParenthesis:
        return b"%b: Unmatched parenthesis in selector definition." % place
    return _apply(users[name], rules, place)


def _apply(user: User, rules: Sequence[bytes], place: bytes) -> bytes:
    """What is wrong with the rules: every name that is unknown, but only the first of other faults."""
    errors, others = b"", 0
    for rule in (rule.strip(b"\t\r\n") for rule in rules):
        try:
            user.apply(rule)
        except RuleError as failure:
            if failure.text == UNKNOWN_NAME:
                errors += b"%b: Error in applying operation '%b': %b. " % (place, rule, failure.text)
            elif not others:
                others += 1
                errors += b"%b: %b. " % (place, failure.text)
    return errors
