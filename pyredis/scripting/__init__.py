"""Lua scripts and function libraries: the interpreter, its sandbox, and how values cross its border."""
