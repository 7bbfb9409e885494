"""The demo data set: drawn portraits with exact mattes, so that everything can be tried without a download."""

from zoo.data.demo.portrait import draw_portrait
from zoo.data.demo.write import write_demo

__all__ = ["draw_portrait", "write_demo"]
