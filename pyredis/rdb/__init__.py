"""RDB, Redis's format of snapshots and DUMP payloads, without I/O: bytes in, keys out, and back."""
