"""Estimates whose warnings are not what a test is about."""

import warnings

import keras_selfmodel as ksm


def quietly(*args, **kwargs) -> ksm.rlct.RLCTEstimate:
    """`estimate_rlct` for short chains and untrained networks, which deserve their warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ksm.rlct.RLCTWarning)
        return ksm.estimate_rlct(*args, **kwargs)
