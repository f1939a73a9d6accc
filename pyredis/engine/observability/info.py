"""INFO: sections by name, each made of the fields that components bring."""

from collections.abc import Callable, Iterable

Fields = dict[str, object]
Section = Callable[[], Fields]


class Info:
    """Sections in the order they were added; several components may add to one, the later knows a field better."""

    def __init__(self) -> None:
        self._sections: dict[str, list[Section]] = {}
        self._left_out: set[str] = set()
        self._hidden: set[str] = set()
        self.counts: dict[str, Callable[[], int]] = {}  # fields of others' sections that a component can tell

    def add(self, title: str, section: Section, *, by_default: bool = True, by_all: bool = True) -> None:
        """Let `section()` give fields of the section `title`; some are shown by `all` only, or by their name only."""
        self._sections.setdefault(title, []).append(section)
        if not (by_default and by_all):
            self._left_out.add(title.lower())
        if not by_all:
            self._hidden.add(title.lower())

    def render(self, asked: Iterable[str]) -> bytes:
        """The text of INFO for section names (lower case; `default`, `all` and `everything` among them)."""
        wanted = set(asked) or {"default"}
        parts = []
        for title, sections in self._sections.items():
            name = title.lower()
            by_all = wanted & {"all", "everything"} and name not in self._hidden
            if name in wanted or by_all or ("default" in wanted and name not in self._left_out):
                fields: Fields = {}
                for section in sections:
                    fields |= section()
                parts.append("\r\n".join([f"# {title}", *(f"{key}:{value}" for key, value in fields.items()), ""]))
        return "\r\n".join(parts).encode("utf-8", "surrogateescape")
