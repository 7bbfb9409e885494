"""Sources of small plugins."""

from __future__ import annotations


def model(name: str, hook: str = "register_models") -> str:
    """Source of a plugin that offers one model."""
    return f"""
        from registry import Card, ModelSpec, hookimpl

        @hookimpl
        def {hook}(register):
            register(ModelSpec({name!r}, build=lambda config, backbone: None, card=Card("t")))
    """
