"""How data outlives the process: RDB files and DUMP payloads, as bytes in and values out."""
