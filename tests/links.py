"""A link that goes nowhere: what is written to it is kept."""


class FakeLink:
    """`said`: all that was written; `ended`: how it was closed; `is_read`: whether bytes may come."""

    def __init__(self, address="127.0.0.1:1000"):
        self.address, self.local_address, self.fd = address, "127.0.0.1:6379", 7
        self.said = b""
        self.writes = 0
        self.ended = None
        self.is_read = True
        self.waiting = self.high = 0

    def write(self, data):
        self.said += data
        self.writes += 1

    def close(self):
        self.ended = self.ended or "close"

    def abort(self):
        self.ended = self.ended or "abort"

    def pause_reading(self):
        self.is_read = False

    def resume_reading(self):
        self.is_read = True

    def pending(self):
        return self.waiting

    def congest_at(self, size):
        self.high = size

    def keep_alive(self, seconds):
        self.probes = seconds

    def taken(self):
        """What was said since last time."""
        said, self.said = self.said, b""
        return said
