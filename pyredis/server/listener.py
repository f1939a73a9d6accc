"""Sockets to listen on, made synchronously so that CONFIG SET can answer whether it worked."""

import contextlib
import os
import socket


def tcp_sockets(hosts: tuple[str, ...], port: int, backlog: int) -> list[socket.socket]:
    """Bind every host; `*` is all of IPv4, `::*` all of IPv6, and one with a leading `-` may be missing.

    Without a host nothing is bound. With port 0, all get the port that the first was given. Raises OSError when one
    that is a must cannot be bound.
    """
    found: list[socket.socket] = []
    try:
        for host in hosts:
            optional = host.startswith("-")
            name = host.removeprefix("-")
            try:
                found.append(_tcp_socket(name, port, backlog))
            except OSError as error:
                if not optional:
                    error.filename = f"{name}:{port}"  # for who tells of it
                    raise
            if found and not port:
                port = found[0].getsockname()[1]
    except OSError:
        for sock in found:
            sock.close()
        raise
    return found


def _tcp_socket(host: str, port: int, backlog: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    target = {"*": "", "::*": "::"}.get(host, host)
    if family == socket.AF_INET and target:
        family, _, _, _, address = socket.getaddrinfo(target, port, type=socket.SOCK_STREAM)[0]
        target = str(address[0])
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((target, port))
        sock.listen(backlog)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def unix_socket(path: str, permissions: int, backlog: int) -> socket.socket:
    """Bind a path, replacing a stale socket; `permissions` 0 leaves what the umask gives. Raises OSError."""
    remove_path(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(path)
        if permissions:
            os.chmod(path, permissions)  # noqa: PTH101
        sock.listen(backlog)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def remove_path(path: str) -> None:
    """Remove a Unix socket's file, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108


def keep_alive(sock: socket.socket, seconds: int) -> None:
    """`tcp-keepalive`: probe a silent peer after `seconds`, three times at a third of that."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not seconds:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", seconds),
        ("TCP_KEEPINTVL", max(seconds // 3, 1)),
        ("TCP_KEEPCNT", 3),
    ):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
