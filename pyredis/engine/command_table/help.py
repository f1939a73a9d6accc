"""What a HELP subcommand answers: the usage, then each subcommand with an indented explanation."""

from collections.abc import Sequence

from pyredis.errors import CommandError, as_printed
from pyredis.protocol.replies import Status


def help_reply(name: str, text: str) -> list[Status]:
    """HELP of the container `name`; `text` has a line a subcommand and, indented, its explanations."""
    lines = [f"{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    lines += [line.rstrip() for line in text.strip("\n").split("\n")]
    lines += ["HELP", "    Show these lines."]
    return [Status(line.encode()) for line in lines]


def subcommand_error(argv: Sequence[bytes]) -> CommandError:
    """What Redis answers when a subcommand's arguments do not fit and it does not say which."""
    text = b"unknown subcommand or wrong number of arguments for '%b'. Try %b HELP."
    return CommandError(text % (as_printed(argv[1], 128), argv[0].upper()))
