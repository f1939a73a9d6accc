"""`pyredis-cluster`: a local cluster in one command, for development.

The nodes are processes of `pyredis-server`, each with a folder of its own in one data folder. Nobody stands above them:
what this does is start and end processes, and talk to the nodes as any client may, so a cluster goes on without it.

In reading order: `trouble` and `patience` (what goes wrong, and waiting); `layout` (the data folder) and `folder_lock`;
`resp_client` and `node_links` (talking to nodes); `node_processes`; `node_reports` and `cluster_status` (what nodes
say, and what is true then); `slot_plan` (who gets which slots: numbers only); `creation` and `resharding` (commands
only); `cluster_events`, `status_table` and `live_display` (showing it); `lifecycle`, and `launcher`, the command line.
"""
