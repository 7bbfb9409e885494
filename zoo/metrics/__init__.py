"""The metrics of a matte against the truth.

``zoo.metrics`` is this package and, called, the read-only view of the registered metrics (``zoo.metrics()``, beside
``zoo.models()`` and the others). Python sets a package's attribute to its sub-package whenever that is imported, so a
plain function of that name would vanish; the module itself is callable instead.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType

from registry import MetricSpec


class _CallableModule(ModuleType):
    def __call__(self) -> Mapping[str, MetricSpec]:
        """Registered metrics by name; read-only."""
        from zoo.api import registered_metrics

        return registered_metrics()


sys.modules[__name__].__class__ = _CallableModule
