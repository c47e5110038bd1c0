"""Any sections that read one another, any slots, any failures: each gets its turn, and one only."""

import random

import hypothesis.strategies as st
from hypothesis import given

from ninefold.running.schedule import ready, share, stopped


@st.composite
def runs(draw):
    """Sections, each reading some of those before it, and some that are not part of the run."""
    count = draw(st.integers(0, 9))
    return {
        f"s{place}": draw(
            st.lists(st.sampled_from([*(f"s{n}" for n in range(place)), "elsewhere"]), unique=True)
        )
        for place in range(count)
    }


def take(reads, *, slots, cores, failing, kept, seed):
    """Play a run as the runner does; return the states and, as each section starts, what was done
    and the shares of those that run."""
    choose = random.Random(seed)
    states, shares, starts = {}, {}, {}
    while len(states) < len(reads) or shares:
        before = (dict(states), dict(shares))
        states.update(dict.fromkeys(stopped(reads, states), "skipped"))
        due = ready(reads, states)
        for section in due:
            if section in kept:
                states[section] = "kept"
        waiting = [section for section in due if section not in kept]
        while waiting and (given := share(cores, slots, shares.values(), len(waiting))):
            section = waiting.pop(0)
            states[section], shares[section] = "running", given
            starts[section] = (dict(states), dict(shares))
        if shares and (len(shares) == slots or choose.random() < 0.5 or before[1] == shares):
            ended = choose.choice(sorted(shares))
            del shares[ended]
            states[ended] = "failed" if ended in failing else "ran"
        assert before != (states, shares), "nothing happens any more"
    return states, starts


@given(
    reads=runs(),
    slots=st.integers(1, 5),
    cores=st.integers(1, 9),
    failing=st.sets(st.integers(0, 8)),
    kept=st.sets(st.integers(0, 8)),
    seed=st.integers(),
)
def test_each_section_has_one_outcome_and_starts_after_what_it_reads(
    reads, slots, cores, failing, kept, seed
):
    failing, kept = ({f"s{n}" for n in numbers} for numbers in (failing, kept))
    states, starts = take(reads, slots=slots, cores=cores, failing=failing, kept=kept, seed=seed)
    assert states.keys() == reads.keys()
    for section, (then, shares) in starts.items():
        assert all(then[read] in ("ran", "kept") for read in reads[section] if read in reads)
        assert len(shares) <= slots
        assert sum(shares.values()) <= max(cores, slots)
        assert min(shares.values()) >= 1
    for section, own in reads.items():
        lost = [read for read in own if states.get(read) in ("failed", "skipped")]
        assert (states[section] == "skipped") == bool(lost)
        assert (section in starts) == (states[section] in ("ran", "failed"))


def test_the_last_section_waits_for_all_that_it_reads():
    reads = {"4": [], "5": [], "7": ["4", "5"]}
    assert ready(reads, {}) == ["4", "5"]
    assert ready(reads, {"4": "ran", "5": "running"}) == []
    assert ready(reads, {"4": "ran", "5": "kept"}) == ["7"]
    assert stopped(reads, {"4": "ran", "5": "failed"}) == {"7": "5"}


def test_sections_share_the_cores_and_one_alone_has_them_all():
    assert share(8, 4, [], waiting=1) == 8
    assert share(8, 4, [], waiting=2) == 4
    assert share(8, 4, [], waiting=20) == 2
    assert share(8, 2, [4, 4], waiting=1) == 0
    assert share(9, 2, [4, 4], waiting=1) == 0


def test_more_sections_than_cores_get_one_each():
    assert share(2, 4, [1, 1, 1], waiting=5) == 1


def test_no_core_is_given_away_twice():
    assert share(4, 4, [2], waiting=3) == 1
    assert share(4, 4, [2, 1, 1], waiting=1) == 0
