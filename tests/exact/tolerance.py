"""How far from plain Keras a case may be, and why some are further than the others."""

CLOSE = 1e-6
# Of the batch of networks, which takes sums in another order.
FURTHER = {
    "Dense, bfloat16": (1e-3, "a bfloat16 has 8 bits: each rounding is 0.004 of a number"),
}


def allowed(name: str, engine: str) -> float:
    """Return how far a case may be from plain Keras."""
    further = FURTHER.get(name, (CLOSE, ""))[0]
    return further if engine.startswith("batched") else CLOSE
