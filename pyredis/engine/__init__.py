"""Running commands: synchronous and without I/O. It knows no service; services fill its hooks."""
