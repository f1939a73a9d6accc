"""How a client wants to be told when keys change that it read (CLIENT TRACKING)."""


class Mode:
    """How a client tracks. `redirect` is a client's id, 0 for itself; `caching` what CLIENT CACHING said last."""

    __slots__ = ("broadcast", "broken", "caching", "noloop", "optin", "optout", "prefixes", "redirect")

    def __init__(self) -> None:
        self.broadcast = self.noloop = self.optin = self.optout = False
        self.prefixes: list[bytes] = []
        self.redirect = 0
        self.broken = False  # whoever it redirects to is gone
        self.caching = False
