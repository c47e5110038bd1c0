"""How far from plain Keras a case may be, and why some are further than the others."""

CLOSE = 1e-6
FURTHER = {
    "Dense, bfloat16": (
        1e-3,
        "a batch of networks takes sums in another order, and a bfloat16 keeps 8 bits of each",
    ),
    "AugMix": (
        1.0,
        "Keras chooses its operations by Python's random whenever it traces a step, and a plain "
        "fit traces more often: other operations, of the same kind",
    ),
}


def allowed(name: str) -> float:
    """Return how far a case may be from plain Keras."""
    return FURTHER.get(name, (CLOSE, ""))[0]
