"""The plugin keeps its side of the contract."""

from zoo.testing import plugin_checks

test_conformance = plugin_checks("pymatting")
