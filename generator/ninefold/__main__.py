"""`python -m ninefold` is `ninefold`."""

from ninefold.cli import main

main()
