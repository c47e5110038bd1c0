"""`ninefold`, also as `python -m ninefold`."""

import sys

from ninefold.stopping import Stopped, stoppable


def main() -> None:
    """Be the command line; nothing is imported before it can be stopped."""
    try:
        with stoppable():
            from ninefold.cli import main

            main(prog_name="ninefold")
    except Stopped as stopped:  # before a command began
        sys.exit(stopped.status)


if __name__ == "__main__":
    main()
