"""Estimates that must be the same to the last bit."""

import dataclasses

import keras
import numpy as np


def assert_identical(one, other):
    for field in dataclasses.fields(one):
        ours, theirs = getattr(one, field.name), getattr(other, field.name)
        for a, b in zip(keras.tree.flatten(ours), keras.tree.flatten(theirs), strict=True):
            np.testing.assert_array_equal(a, b, err_msg=field.name)
