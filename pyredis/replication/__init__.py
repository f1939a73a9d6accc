"""Replication as Redis speaks it (PSYNC2): a master's side, a replica's side, and who is which.

In reading order. A master: `backlog` (the stream's last bytes), `replica` (what is known of one), `replicas` (who is
fed, from where), `partial_sync` and `full_sync` (who can go on where he was, and who cannot). A replica, at first
without I/O: `handshake`, `bulk_payload`, `stream_parser`; then `transfer` (taking a dataset in), `applied_stream`,
`master_link` (the connection they make up), `link_times`, `own_keys` (which a writable replica expires itself),
`following` (whom this server follows). Then `failover`, `farewell`
(before the server ends) and `replication_info`.
"""
