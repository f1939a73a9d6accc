"""What a client is told whose keys are not served here, or not now."""

from pyredis.errors import Redirection


def moved(slot: int, endpoint: bytes, port: int) -> Redirection:
    """Another node has the slot."""
    return Redirection(b"%d %b:%d" % (slot, endpoint, port), b"MOVED")


def ask(slot: int, endpoint: bytes, port: int) -> Redirection:
    """Another node is about to have the slot, and has this key."""
    return Redirection(b"%d %b:%d" % (slot, endpoint, port), b"ASK")


def try_again() -> Redirection:
    """Some of the keys are here, some are there."""
    return Redirection(b"Multiple keys request during rehashing of slot", b"TRYAGAIN")


def cross_slot() -> Redirection:
    """The keys are of several slots."""
    return Redirection(b"Keys in request don't hash to the same slot", b"CROSSSLOT")


def unbound() -> Redirection:
    """Nobody has the slot."""
    return Redirection(b"Hash slot not served", b"CLUSTERDOWN")


def down() -> Redirection:
    """Nothing is served now."""
    return Redirection(b"The cluster is down", b"CLUSTERDOWN")


def down_for_writes() -> Redirection:
    """Only reads are served now."""
    return Redirection(b"The cluster is down and only accepts read commands", b"CLUSTERDOWN")
