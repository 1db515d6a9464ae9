"""Flat surfaces and random colours, of which scenes are made."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.random import Generator

from stages.simulate.draw import Colour, Polygon


def upright(x0: float, x1: float, z0: float, z1: float, y: float, colour: Colour) -> Polygon:
    """Return a rectangle of a wall that faces along y, metres."""
    return Polygon(np.array([[x0, y, z0], [x1, y, z0], [x1, y, z1], [x0, y, z1]]), colour)


def level(x0: float, x1: float, y0: float, y1: float, z: float, colour: Colour) -> Polygon:
    """Return a rectangle of a floor or table top, metres."""
    return Polygon(np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]]), colour)


def any_colour(rng: Generator, *span: float) -> Colour:
    """Return a colour of any hue; `span` is the least and most saturation, the least and most brightness, 0 to 1."""
    r, g, b = colorsys.hsv_to_rgb(rng.random(), rng.uniform(span[0], span[1]), rng.uniform(span[2], span[3]))
    return (255 * r, 255 * g, 255 * b)


def dim(colour: Colour, by: float) -> Colour:
    """Return a share of a colour's brightness."""
    return (colour[0] * by, colour[1] * by, colour[2] * by)
