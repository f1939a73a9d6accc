"""What a server says until it hangs up."""

import contextlib

from tests.oracle import RawClient


def received(client):
    """All until the server hangs up."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.socket.recv(1 << 16):
            said += piece
    return said


def until_closed(port, data):
    """All that is said to `data`; the server must hang up."""
    client = RawClient(port)
    try:
        client.send(data)
        return received(client)
    finally:
        client.close()
