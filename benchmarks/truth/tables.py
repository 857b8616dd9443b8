"""Finite values that were sampled once, from `sampled.json` beside this file (written by rlct_truth_sampled.py)."""

import json
import math
from functools import cache
from pathlib import Path

import numpy as np

from truth.case import Finite

SAMPLED = Path(__file__).with_name("sampled.json")


def table(family: str, name: str) -> Finite:
    """Interpolates over ln γ between the values that were sampled.

    Outside of these, and where nβ differs by more than 1 %, the value is unknown.
    """

    def finite(nbeta: float, localization: float) -> tuple[float, float] | None:
        rows = [row for row in _rows().get(f"{family}: {name}", []) if math.isclose(row["nbeta"], nbeta, rel_tol=0.01)]
        if not rows:
            return None
        rows.sort(key=lambda row: row["localization"])
        keys = ("localization", "value", "error", "drift")
        at, values, errors, drifts = (np.array([row[key] for row in rows]) for key in keys)
        # A hair beyond the ends is rounding.
        if not at[0] * (1 - 1e-6) <= localization <= at[-1] * (1 + 1e-6):
            return None
        x, where = np.log(at), math.log(localization)
        # Chains that still drift are no better known than by their drift.
        value, error = np.interp(where, x, values), np.interp(where, x, errors * np.maximum(1, np.abs(drifts)))
        return float(value), float(error)

    return finite


@cache
def _rows() -> dict[str, list[dict]]:
    return json.loads(SAMPLED.read_text())["values"] if SAMPLED.exists() else {}
