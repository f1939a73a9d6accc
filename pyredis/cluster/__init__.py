"""Redis Cluster: slots, the nodes that have them, and how keys move from one to another."""
