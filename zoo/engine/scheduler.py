"""``python -m zoo.engine.scheduler``: the scheduler of a dynamic cluster, as `zoo.engine.launch` starts it."""

import sys

from registry import ZooError
from zoo.engine import device
from zoo.engine.group import join

if __name__ == "__main__":
    try:
        device.start("CPU")
        join()
    except ZooError as error:
        sys.exit(f"zoo: {error}")
