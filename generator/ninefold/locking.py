"""A lock on an open file, which the operating system takes from an owner that has died."""

import sys
from typing import BinaryIO


def lock(file: BinaryIO, *, wait: bool) -> None:
    """Lock the open file until it is closed. Raises OSError if another holds it, without `wait`.

    The lock belongs to the open file: it ends with its process, however that ends.
    """
    if sys.platform == "win32":
        import msvcrt

        file.seek(1 << 40)  # a byte beyond what is read: Windows bars readers from locked ones
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
