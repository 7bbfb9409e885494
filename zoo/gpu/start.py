"""The import of MindSpore for a GPU."""

from __future__ import annotations

import sys
from contextlib import suppress

from zoo.gpu import driver
from zoo.gpu.preload import preload_all
from zoo.gpu.toolkit import answered
from zoo.home import home


def import_mindspore(index: int, several: bool = False) -> bool:
    """Import MindSpore so that it finds the card; the environment stays as it was.

    Args:
        index: Number of the card.
        several: Whether processes will train together.

    Returns:
        False: MindSpore was imported already, and sees a card only if it was made to then.

    Raises:
        GpuError: There is no driver, no such card, or a library is missing.
    """
    driver.card(driver.look(), index)
    if "mindspore" in sys.modules:
        return False
    with answered(preload_all(several)[0]):
        import mindspore  # noqa: F401 - it looks for its plugins now, and never again
    _place_offload()
    return True


def _place_offload() -> None:
    """Name the folder for what MindSpore moves from the card to the disk, which nothing in zoo asks for.

    On a GPU it makes that at the first operator all the same, by default in the current folder, and it has no public
    way of naming another.
    """
    with suppress(ImportError, AttributeError):
        from mindspore._c_expression import OffloadContext

        OffloadContext.get_instance().set_offload_path(str(home() / "mindspore" / "offload"))
