"""What clients are told unasked: channels, keyspace events, invalidations, monitors."""
