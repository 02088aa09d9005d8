"""`python -m livemove.cli`."""

from livemove.cli import main

main()
