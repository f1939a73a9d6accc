"""What a HELP subcommand answers: the usage, then each subcommand with an indented explanation."""

from pyredis.protocol.replies import Status


def help_reply(name: str, text: str) -> list[Status]:
    """HELP of the container `name`; `text` has a line a subcommand and, indented, its explanations."""
    lines = [f"{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    lines += [line.rstrip() for line in text.strip("\n").split("\n")]
    lines += ["HELP", "    Show these lines."]
    return [Status(line.encode()) for line in lines]
