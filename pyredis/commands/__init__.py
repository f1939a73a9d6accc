"""The command families: one module each, one function a command. A family is loaded by being here."""

from importlib import import_module
from pkgutil import iter_modules


def load() -> None:
    """Import every family, which declares its commands."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
