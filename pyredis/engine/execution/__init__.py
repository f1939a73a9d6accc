"""The path of a command: gates, transactions, waiting, propagation."""
