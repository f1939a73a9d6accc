"""What the server tells of itself: INFO, slow log, latency, counters."""
