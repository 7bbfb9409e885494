"""The plugin keeps its side of the contract, on drawn copies of both data sets in one folder."""

import atexit
import importlib.util
import tempfile
from pathlib import Path

from zoo.testing import plugin_checks

_PLACE = importlib.util.spec_from_file_location("drawn_for_checks", Path(__file__).with_name("drawn.py"))
_DRAWN = importlib.util.module_from_spec(_PLACE)
_PLACE.loader.exec_module(_DRAWN)

_FOLDER = tempfile.TemporaryDirectory()
atexit.register(_FOLDER.cleanup)

test_conformance = plugin_checks("portraits", data_root=_DRAWN.aim500(_DRAWN.ppm100(Path(_FOLDER.name))))
