"""The one exception that ninefold raises on purpose."""


class NinefoldError(Exception):
    """A user's error: what happened, what was expected, what to do.

    Each part is a clause without a final full stop; `str()` joins them into the one line that
    the command line prints. Survives pickling, so that it can cross processes.
    """

    def __init__(self, happened: str, expected: str = "", todo: str = ""):
        super().__init__(happened, expected, todo)
        self.happened, self.expected, self.todo = happened, expected, todo

    def __str__(self) -> str:
        line = "; ".join(part for part in (self.happened, self.expected, self.todo) if part)
        return " ".join(line.split())
