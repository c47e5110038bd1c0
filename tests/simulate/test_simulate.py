"""The reduced form of `make simulate`: few draws, so that limits are wide."""

import pytest
import simulate
from simulation import SIMULATIONS

simulate.load()


@pytest.mark.slow
@pytest.mark.parametrize("name", SIMULATIONS)
def test_what_is_promised_holds_in_a_tenth_of_the_draws(name):
    rows = SIMULATIONS[name].run(0.1)
    assert rows
    missed = [simulate.line(name, row) for row in rows if not row.is_fine(errors=4)]
    assert not missed, "\n".join(missed)
