"""Deletions: the longest PING round trip while a million elements are deleted: `python -m benchmarks.deletions`.

Each structure (a million string keys, and a hash, set, sorted set, list and stream of a million elements) is filled
and then removed by DEL, UNLINK or FLUSHALL on one connection, while another sends a PING every millisecond. What is
longer than at rest is the server's stall. Memory is measured again when all is quiet: what is freed bit by bit has to
be free in the end.
"""

import argparse
from collections.abc import Iterator

from benchmarks import report, wire
from benchmarks.memory import set_commands
from benchmarks.pauses import round_trips_ms
from benchmarks.servers import Server, ServerMissingError, end_children_on_sigterm, running, server_names

_EACH = 20
"""Elements added by one command."""


def commands(kind: str, count: int) -> Iterator[bytes]:
    """What fills a structure of `count` elements under the key `big`; `strings`: so many keys."""
    if kind == "strings":
        yield from set_commands(count)
        return
    for start in range(0, count, _EACH):
        names = [b"element:%08d" % number for number in range(start, start + _EACH)]
        if kind == "stream":
            for name in names:
                yield wire.encode("XADD", "big", "*", "name", name)
        elif kind == "hash":
            yield wire.encode("HSET", "big", *[word for name in names for word in (name, b"value of " + name)])
        elif kind == "zset":
            yield wire.encode("ZADD", "big", *[word for name in names for word in (name[8:], name)])
        else:
            yield wire.encode("SADD" if kind == "set" else "RPUSH", "big", *names)


def measure(server: Server, kind: str, count: int, verb: str, limited: bool) -> dict[str, float]:
    """The longest round trip in ms, at rest and while the structure goes, and RSS in MB, full and in the end.

    `limited`: memory and the use of keys are accounted for, though there is room.
    """
    with server.connect() as sock:
        if limited:
            wire.ask(sock, "CONFIG", "SET", "maxmemory", "8gb", "maxmemory-policy", "allkeys-lru")
        wire.send_lines(sock, commands(kind, count))
        full = server.rss_bytes()
        calm = max(round_trips_ms(server, 0.5))
        sock.sendall(wire.encode("FLUSHALL") if verb == "FLUSHALL" else wire.encode(verb, "big"))
        stall = max(round_trips_ms(server, 2.5))
        sock.recv(64)
        left = server.rss_bytes()
        wire.ask(sock, "FLUSHALL")
    return {"rest_ms": calm, "stall_ms": stall, "full_mb": full / 1e6, "left_mb": left / 1e6}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deletions", description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=server_names, default="redis,pyredis")
    parser.add_argument("--elements", type=int, default=1_000_000)
    parser.add_argument("--kinds", default="strings,hash,set,zset,list,stream")
    parser.add_argument("--verbs", default="DEL,UNLINK,FLUSHALL")
    parser.add_argument("--limited", action="store_true", help="under a maxmemory with an LRU policy")
    options = parser.parse_args()
    end_children_on_sigterm()
    results: dict[str, dict[str, dict[str, float]]] = {}
    print(f"{'server':<10}{'what':<20}{'rest ms':>10}{'stall ms':>10}{'full MB':>10}{'left MB':>10}")
    for name in options.servers:
        for kind in options.kinds.split(","):
            for verb in ["FLUSHALL"] if kind == "strings" else options.verbs.split(","):
                try:
                    with running(name) as server:
                        figures = measure(server, kind, options.elements, verb, options.limited)
                except (ServerMissingError, OSError, wire.ReplyError) as error:
                    print(f"{name}: missing ({error})")
                    continue
                results.setdefault(name, {})[f"{verb} {kind}"] = figures
                numbers = "".join(f"{figure:>10.1f}" for figure in figures.values())
                print(f"{name:<10}{verb + ' ' + kind:<20}{numbers}", flush=True)
    content = {"machine": report.machine(), "settings": vars(options), "results": results}
    print(report.shown(report.save("deletions", content)))


if __name__ == "__main__":
    main()
