"""Replication as Redis speaks it (PSYNC2): a master's side, a replica's side, and who is which.

In reading order: `backlog` (the stream's last bytes), `replica` (what a master knows of one), `replicas` (who is fed,
from where), `full_sync` (the dataset for those who cannot go on), `handshake`, `payload`, `stream_parser` (a replica's
side of the talk, without I/O), `transfer` (taking the dataset in), `master_link` (the connection they make up),
`following` (whom this server follows), `failover`, `farewell` (before the server ends), `replication_info`.
"""
