"""What a container's HELP subcommand answers: its usage, then each subcommand with an indented explanation."""

from pyredis.protocol.replies import Status


def help_reply(name: str, text: str) -> list[Status]:
    """The lines of HELP for the container `name`; `text` has a line a subcommand, its explanations indented."""
    lines = [f"{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    lines += [line.rstrip() for line in text.strip("\n").split("\n")]
    lines += ["HELP", "    Show these lines."]
    return [Status(line.encode()) for line in lines]
