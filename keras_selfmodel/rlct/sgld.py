"""Stochastic gradient Langevin dynamics with localization."""

import math


def sgld_step(
    weight,
    anchor,
    gradient,
    noise,
    *,
    step_size: float,
    inverse_temperature: float,
    localization: float,
):
    """One step w ← w − ε/2·[nβ ∇L_B(w) + γ (w − w*)] + √ε·z.

    Args:
        weight: w, any shape; the anchor may lack its leading axis of chains.
        anchor: w*, where the chains are tied to.
        gradient: ∇L_B(w), the gradient of the mean loss of a batch.
        noise: z, standard normal.
        step_size: ε.
        inverse_temperature: nβ.
        localization: γ.

    Returns:
        The next w.

    Reference:
        Welling & Teh 2011; with localization: Lau et al., arXiv 2308.12108, algorithm 1.

    Example:

    >>> sgld_step(1.0, 0.0, 2.0, 0.0, step_size=0.1, inverse_temperature=3.0, localization=4.0)
    0.5
    """
    drift = inverse_temperature * gradient + localization * (weight - anchor)
    return weight - (0.5 * step_size) * drift + math.sqrt(step_size) * noise
