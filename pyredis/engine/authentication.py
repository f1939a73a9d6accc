"""Who a client is: the password of `default`, set by `requirepass`, and the gate that AUTH opens.

The gate UNAUTHENTICATED stands from the connection (or RESET) of a client until it gives the password, while
there is one.
"""

from hmac import compare_digest
from typing import TYPE_CHECKING

from pyredis.engine import gates
from pyredis.errors import CommandError

if TYPE_CHECKING:
    from pyredis.engine.client import Client

DEFAULT_USER = "default"


def has_user(name: bytes) -> bool:
    """Whether there is a user of this name."""
    return name == DEFAULT_USER.encode()


def needs_password(client: "Client") -> bool:
    """Whether a password is configured; without one, `default` may do everything."""
    return bool(client.engine.config["requirepass"])


def authenticate(client: "Client", user: bytes, password: bytes) -> None:
    """Let the client in as `user`. Raises WRONGPASS, counted as denied."""
    expected = (client.engine.config["requirepass"] or "").encode("utf-8", "surrogateescape")
    if not has_user(user) or (expected and not compare_digest(expected, password)):
        client.engine.stats.acl_denied_auth += 1
        raise CommandError(b"invalid username-password pair or user is disabled.", b"WRONGPASS")
    client.user = DEFAULT_USER
    client.gates &= ~gates.UNAUTHENTICATED


def start_over(client: "Client") -> None:
    """What a new connection is: `default`, which has to authenticate if there is a password."""
    client.user = DEFAULT_USER
    if needs_password(client):
        client.gates |= gates.UNAUTHENTICATED
    else:
        client.gates &= ~gates.UNAUTHENTICATED
