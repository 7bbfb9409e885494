"""``python -m zoo.cli``: the command ``zoo`` of this interpreter."""

from zoo.cli import main

main()
