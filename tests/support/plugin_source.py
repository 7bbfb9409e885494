"""Sources of small plugins."""

from __future__ import annotations

from importlib.metadata import Distribution


def model(name: str, hook: str = "register_models") -> str:
    """Source of a plugin that offers one model."""
    return f"""
        from registry import Card, ModelSpec, hookimpl

        @hookimpl
        def {hook}(register):
            register(ModelSpec({name!r}, build=lambda config, backbone: None, card=Card("t")))
    """


class FakeDistribution(Distribution):
    """A distribution that has a name and a version and nothing else."""

    def __init__(self, name: str | None, version: str | None) -> None:
        self._text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" if name else None

    def read_text(self, filename: str) -> str | None:
        return self._text if filename == "METADATA" else None

    def locate_file(self, path):
        return path
