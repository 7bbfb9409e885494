"""``python -m zoo.engine.scheduler``: the scheduler of a dynamic cluster, as `zoo.engine.launch` starts it."""

from zoo.engine import device
from zoo.engine.group import join

if __name__ == "__main__":
    device.start("CPU")
    join()
