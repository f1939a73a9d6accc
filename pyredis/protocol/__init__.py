"""RESP as pure functions and state machines: bytes in, arguments out; values in, bytes out. No I/O."""
