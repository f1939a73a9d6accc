"""What a string parameter must look like: each function answers Redis's text of what is wrong, or None."""

import re

_TITLE_VARIABLES = {"title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"}


def _is_path(value: str) -> bool:
    return "/" in value or "\\" in value


def dump_name(value: str) -> str | None:
    """`dbfilename`."""
    return "dbfilename can't be a path, just a filename" if _is_path(value) else None


def aof_name(value: str) -> str | None:
    """`appendfilename`."""
    if not value:
        return "appendfilename can't be empty"
    return "appendfilename can't be a path, just a filename" if _is_path(value) else None


def aof_directory(value: str) -> str | None:
    """`appenddirname`."""
    if not value:
        return "appenddirname can't be empty"
    return "appenddirname can't be a path, just a dirname" if _is_path(value) else None


def hostname(value: str) -> str | None:
    """`cluster-announce-hostname`."""
    if len(value) >= 256:
        return "Hostnames must be less than 256 characters"
    if not re.fullmatch(r"[A-Za-z0-9.-]*", value):
        return "Hostnames may only contain alphanumeric characters, hyphens or dots"
    return None


def node_name(value: str) -> str | None:
    """`cluster-announce-human-nodename`."""
    allowed = not set(value) & set("!#$%&()*+:;<>?@[]^{|}~")
    return None if allowed else "Announced human node name contained invalid character"


def title_template(value: str) -> str | None:
    """`proc-title-template`."""
    rest = re.sub(r"\{([^{}]*)\}", lambda match: "" if match[1] in _TITLE_VARIABLES else "{", value)
    wrong = not value.strip() or "{" in rest
    return "template format is invalid or contains unknown variables" if wrong else None


def locale(value: str) -> str | None:
    """`locale-collate`: the portable names; any other locale would need the process's own."""
    return None if value in ("", "C", "POSIX", "C.UTF-8", "C.utf8") else "Invalid locale name"
