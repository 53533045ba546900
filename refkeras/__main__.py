"""`python -m refkeras` is the `refkeras` command."""

from refkeras.cli import main

main()
