"""INFO: sections by name, each made of the fields that components bring, in the order of `info_layout`."""

from collections.abc import Callable, Iterable

from pyredis.engine.observability.info_layout import LAYOUT

Fields = dict[str, object]

Section = Callable[[], Fields]


_ALIASES = {"module_list": "modules"}


class Info:
    """Several components may add to a section, each its own fields; what the layout does not know comes last."""

    def __init__(self) -> None:
        self._sections: dict[str, list[Section]] = {title: [] for title in LAYOUT}
        self._left_out: set[str] = set()
        self._hidden: set[str] = set()
        self._costly: dict[str, Callable[[], bool]] = {}

    def add(
        self,
        title: str,
        section: Section,
        *,
        by_default: bool = True,
        by_all: bool = True,
        is_costly: Callable[[], bool] | None = None,
    ) -> None:
        """Let `section()` give fields of the section `title`; some are shown by `all` only, or by their name only.

        While one `is_costly`, only who asks for it by its name gets it.
        """
        self._sections.setdefault(title, []).append(section)
        if not (by_default and by_all):
            self._left_out.add(title.lower())
        if not by_all:
            self._hidden.add(title.lower())
        if is_costly is not None:
            self._costly[title.lower()] = is_costly

    def render(self, asked: Iterable[str]) -> bytes:
        """The text of INFO for section names (lower case; `default`, `all` and `everything` among them)."""
        wanted = {_ALIASES.get(name, name) for name in asked} or {"default"}
        parts = []
        for title, sections in self._sections.items():
            name = title.lower()
            if name in wanted or self._is_among_others(name, wanted):
                fields = LAYOUT.get(title, {}).copy()
                for section in sections:
                    fields |= section()
                lines = [f"{key}:{value}" for key, value in fields.items() if value is not None]
                parts.append("\r\n".join([f"# {title}", *lines, ""]))
        return "\r\n".join(parts).encode("utf-8", "surrogateescape")

    def _is_among_others(self, name: str, wanted: set[str]) -> bool:
        """Whether a section is shown to who asks for many at once."""
        by_all = wanted & {"all", "everything"} and name not in self._hidden
        if not by_all and ("default" not in wanted or name in self._left_out):
            return False
        return name not in self._costly or not self._costly[name]()
