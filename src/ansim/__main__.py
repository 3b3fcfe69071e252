"""``python -m ansim``."""

from ansim.cli import main

main()
