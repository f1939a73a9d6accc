"""The databases: a hash table that can be scanned and sampled, and the one gate in front of it."""
