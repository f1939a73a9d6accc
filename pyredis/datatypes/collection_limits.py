"""How large small collections may be, as configured: read once and again after CONFIG SET, for every write asks."""

from pyredis.config.store import Config
from pyredis.datatypes import hash, listpack, set, sorted_set, stream

_PARAMETERS = (
    "hash-max-listpack-entries",
    "hash-max-listpack-value",
    "list-max-listpack-size",
    "set-max-intset-entries",
    "set-max-listpack-entries",
    "set-max-listpack-value",
    "stream-node-max-bytes",
    "stream-node-max-entries",
    "zset-max-listpack-entries",
    "zset-max-listpack-value",
)


class CollectionLimits:
    """The limits of each type, in the form that its structure takes them."""

    __slots__ = ("_config", "hash", "list", "set", "sorted_set", "stream")

    def __init__(self, config: Config) -> None:
        self._config = config
        for name in _PARAMETERS:
            config.on_change(name, self._read)
        self._read()

    def _read(self, _: object = None) -> None:
        values = self._config
        self.hash = hash.Limits(values["hash-max-listpack-entries"], values["hash-max-listpack-value"])
        self.list = listpack.limits(values["list-max-listpack-size"])
        self.set = set.Limits(
            values["set-max-intset-entries"], values["set-max-listpack-entries"], values["set-max-listpack-value"]
        )
        self.stream = stream.Limits(values["stream-node-max-bytes"], values["stream-node-max-entries"])
        self.sorted_set = sorted_set.Limits(values["zset-max-listpack-entries"], values["zset-max-listpack-value"])
