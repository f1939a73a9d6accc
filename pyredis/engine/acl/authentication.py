"""AUTH and HELLO AUTH: a client shows who it is.

The gate UNAUTHENTICATED stands from the connection (or RESET) of a client until then, where `default` asks for a
password.
"""

from typing import TYPE_CHECKING

from pyredis.engine.acl.accounts import Acl
from pyredis.engine.acl.acl_log import AclLog
from pyredis.engine.execution import gates
from pyredis.errors import CommandError

if TYPE_CHECKING:
    from pyredis.engine.client import Client


def authenticate(client: "Client", name: bytes, password: bytes) -> None:
    """Let the client in as the user `name`. Raises WRONGPASS, which the ACL log keeps."""
    acl = client.engine[Acl]
    user = acl.users.get(name)
    if user is None or not user.admits(password):
        client.engine[AclLog].not_admitted(client, name)
        raise CommandError(b"invalid username-password pair or user is disabled.", b"WRONGPASS")
    client.gates &= ~gates.UNAUTHENTICATED
    acl.assign(client, user)
