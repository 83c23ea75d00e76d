"""How long to wait before trying again. Pure: chance and count are passed in."""

from datetime import timedelta
from random import Random


def full_jitter(failures: int, *, first: timedelta, most: timedelta, random: Random) -> timedelta:
    """A wait drawn evenly from zero to `first * 2 ** (failures - 1)`, never above `most`.

    `failures` counts those so far, from 1. Source: Marc Brooker, "Exponential Backoff And Jitter", AWS, 2015.
    """
    if failures < 1:
        raise ValueError(f"A wait follows a failure: failures is {failures}, it begins at 1.")
    # The exponent is bounded before it is used: a timedelta cannot hold 2 ** 1000 seconds.
    doublings = min(failures - 1, 62)
    ceiling = min(first.total_seconds() * 2**doublings, most.total_seconds())
    return timedelta(seconds=random.uniform(0, ceiling))
