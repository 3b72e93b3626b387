"""Curves for ridges and waves, from chance. Each takes a place from 0 to 1 and stays between about -1 and 1."""

import math
from collections.abc import Callable
from itertools import pairwise
from random import Random

Curve = Callable[[float], float]

STEPS = 192  # points that are enough to draw one


def waves(rng: Random, count: int) -> Curve:
    """Waves upon waves, each of about twice the pace and half the height of the one before."""
    parts = [(rng.uniform(0.6, 1.3) * 1.9**each, rng.random() * math.tau, 0.5**each) for each in range(count)]
    whole = sum(part[2] for part in parts)
    return lambda x: sum(size * math.sin(math.tau * pace * x + start) for pace, start, size in parts) / whole


def soft(rng: Random) -> Curve:
    """Hills."""
    return waves(rng, 3)


def crested(rng: Random) -> Curve:
    """Dunes."""
    wave = waves(rng, 2)
    return lambda x: 2 * abs(wave(x)) ** 0.8 - 1


def rough(rng: Random) -> Curve:
    """Mountains: midpoints displaced, ever less."""
    heights, spread = [rng.uniform(-0.3, 0.3) for _ in range(4)], 0.75
    while len(heights) < STEPS:
        between = [(a + b) / 2 + rng.uniform(-spread, spread) for a, b in pairwise(heights)]
        heights = [each for pair in zip(heights, between, strict=False) for each in pair] + heights[-1:]
        spread *= 0.52
    last = len(heights) - 1

    def height(x: float) -> float:
        place = x % 1.0 * last
        step = min(int(place), last - 1)
        return heights[step] + (heights[step + 1] - heights[step]) * (place - step)

    return height
