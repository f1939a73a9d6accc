"""What INFO and ROLE say of replication, with the fields and in the order of Redis 8.2."""

from typing import TYPE_CHECKING, Any

from pyredis.engine.execution import gates
from pyredis.engine.execution.good_replicas import GoodReplicas
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.memory.used_memory import Memory
from pyredis.replication.failover import Failover
from pyredis.replication.following import Following
from pyredis.replication.link_times import LinkTimes
from pyredis.replication.master_link import MasterLink, Phase
from pyredis.replication.replica import State
from pyredis.replication.replicas import Replicas

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.engine.observability.info import Fields

_SECOND = 1000


class ReplicationInfo:
    """A component."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._config = engine.config
        self._following = engine[Following]
        self._replicas = engine[Replicas]
        self._propagation = engine[Propagation]
        engine.info.add("Replication", self._fields)
        engine.info.add("Persistence", lambda: {"async_loading": int(bool(engine.gates & gates.ASYNC_LOADING))})
        engine.info.add("Memory", self._memory)
        engine[Memory].parts["replication_backlog"] = self._for_backlog
        engine[Memory].spared["replicas"] = self._for_replicas

    # What the stream takes

    def _for_backlog(self) -> int:
        size: int = self._config["repl-backlog-size"]
        return min(self._replicas.buffered, size)

    def _for_replicas(self) -> int:
        """What slower replicas still need, beyond the backlog's size."""
        size: int = self._config["repl-backlog-size"]
        return max(self._replicas.buffered - size, 0)

    def _memory(self) -> "Fields":
        backlog, replicas = self._for_backlog(), self._for_replicas()
        return {
            "mem_not_counted_for_evict": replicas,
            "mem_replication_backlog": backlog,
            "mem_total_replication_buffers": backlog + replicas,
            "mem_clients_slaves": replicas,
        }

    # ROLE

    def role(self) -> list[Any]:
        """Master, its offset and its replicas; or replica, its master, how far the connection is, and the offset."""
        if self._following.master is not None:
            host, port = self._following.master
            connected = self._following.phase is Phase.CONNECTED
            offset = self._propagation.offset if connected else -1
            return [b"slave", host.encode(), port, self._following.phase.value.encode(), offset]
        online = (one for one in self._replicas.attached.values() if one.state is State.ONLINE and one.port)
        return [
            b"master",
            self._propagation.offset,
            [[_words(one.address[0]), _words(one.address[1]), _words(one.acknowledged)] for one in online],
        ]

    # INFO

    def _fields(self) -> "Fields":
        following, propagation = self._following, self._propagation
        fields: Fields = {"role": "master" if following.master is None else "slave"}
        if following.master is not None:
            fields |= self._of_replica(*following.master)
        fields |= self._of_master()
        return fields | {
            "master_failover_state": self._engine[Failover].state,
            "master_replid": propagation.id,
            "master_replid2": propagation.second_id,
            "master_repl_offset": propagation.offset,
            "second_repl_offset": propagation.second_offset,
            **self._of_backlog(),
        }

    def _of_replica(self, host: str, port: int) -> "Fields":
        following, offset, now = self._following, self._propagation.offset, self._engine.clock.now_ms()
        link = following.link
        connected = following.phase is Phase.CONNECTED
        received = link.received_offset if link is not None else None
        fields: Fields = {
            "master_host": host,
            "master_port": port,
            "master_link_status": "up" if connected else "down",
            "master_last_io_seconds_ago": (now - link.last_io) // _SECOND if link is not None and connected else -1,
            "master_sync_in_progress": int(following.phase is Phase.TRANSFER),
            "slave_read_repl_offset": offset if received is None else received,
            "slave_repl_offset": offset,
            "replica_full_sync_buffer_size": 0,  # of a way of full sync that is not offered
            "replica_full_sync_buffer_peak": 0,
        }
        if link is not None and following.phase is Phase.TRANSFER:
            fields |= _of_transfer(link, now)
        return fields | {
            **_of_times(following.times, now, connected),
            "slave_priority": self._config["replica-priority"],
            "slave_read_only": int(self._config["replica-read-only"]),
            "replica_announced": int(self._config["replica-announced"]),
        }

    def _of_master(self) -> "Fields":
        fields: Fields = {"connected_slaves": len(self._replicas.attached)}
        if self._config["min-replicas-to-write"] and self._config["min-replicas-max-lag"]:
            fields["min_slaves_good_slaves"] = self._engine[GoodReplicas].count
        now = self._engine.clock.now_ms()
        for at, replica in enumerate(self._replicas.attached.values()):
            host, port = replica.address
            lag = (now - replica.ack_time) // _SECOND if replica.state is State.ONLINE else 0
            state = replica.state.shown if replica.state is not None else ""
            fields[f"slave{at}"] = f"ip={host},port={port},state={state},offset={replica.acknowledged},lag={lag}"
        return fields

    def _of_backlog(self) -> "Fields":
        backlog = self._replicas.backlog
        return {
            "repl_backlog_active": int(backlog is not None),
            "repl_backlog_size": self._config["repl-backlog-size"],
            "repl_backlog_first_byte_offset": backlog.first if backlog is not None else 0,
            "repl_backlog_histlen": len(backlog) if backlog is not None else 0,
        }


def _of_transfer(link: MasterLink, now: int) -> "Fields":
    """How much of the dataset has come."""
    payload = link.payload
    total = payload.size if payload is not None and payload.size is not None else 0
    read = payload.read if payload is not None else 0
    return {
        "master_sync_total_bytes": total,
        "master_sync_read_bytes": read,
        "master_sync_left_bytes": total - read,
        "master_sync_perc": f"{100 * read / total if total else 0:.2f}",
        "master_sync_last_io_seconds_ago": (now - link.last_io) // _SECOND,
    }


def _of_times(times: LinkTimes, now: int, connected: bool) -> "Fields":
    name, since = ("up", times.up_since) if connected else ("down", times.down_since)
    return {
        "master_current_sync_attempts": times.attempts,
        "master_total_sync_attempts": times.all_attempts,
        f"master_link_{name}_since_seconds": -1 if since is None else (now - since) // _SECOND,
        "total_disconnect_time_sec": times.down_in_all // _SECOND,
    }


def _words(value: object) -> bytes:
    return str(value).encode()
