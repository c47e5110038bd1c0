"""`ninefold`, also as `python -m ninefold`."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # the folder that this is called in may be a stranger's project

from ninefold.stopping import Stopped, stoppable


def main() -> None:
    """Be the command line; nothing is imported before it can be stopped, and nothing printed but
    visibly."""
    try:
        with stoppable():
            from ninefold.cli import main
            from ninefold.cli.shell import open_streams, say

            with open_streams():
                try:
                    main(prog_name="ninefold")
                except OSError as error:  # of a help that cannot be written
                    say(f"ninefold: {error.strerror or error}", err=True)
                    sys.exit(1)
    except Stopped as stopped:  # before a command began
        if "--json" in sys.argv:
            print('{"error": "stopped"}')
        print("ninefold: stopped", file=sys.stderr)
        sys.exit(stopped.status)


if __name__ == "__main__":
    main()
