"""INFO: sections by name, each made of the fields that components bring."""

from collections.abc import Callable, Iterable

Fields = dict[str, object]
Section = Callable[[], Fields]


class Info:
    """Sections in the order they were added; several components may add to one."""

    def __init__(self) -> None:
        self._sections: dict[str, list[Section]] = {}
        self._left_out: set[str] = set()
        self.counts: dict[str, Callable[[], int]] = {}  # fields of others' sections that a component can tell

    def add(self, title: str, section: Section, *, by_default: bool = True) -> None:
        """Let `section()` give fields of the section `title`; some sections are shown only when asked for."""
        self._sections.setdefault(title, []).append(section)
        if not by_default:
            self._left_out.add(title.lower())

    def render(self, asked: Iterable[str]) -> bytes:
        """The text of INFO for section names (lower case; `default`, `all` and `everything` among them)."""
        wanted = set(asked) or {"default"}
        parts = []
        for title, sections in self._sections.items():
            name = title.lower()
            if name in wanted or wanted & {"all", "everything"} or ("default" in wanted and name not in self._left_out):
                lines = [f"{key}:{value}" for section in sections for key, value in section().items()]
                parts.append("\r\n".join([f"# {title}", *lines, ""]))
        return "\r\n".join(parts).encode("utf-8", "surrogateescape")
