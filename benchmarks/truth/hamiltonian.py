"""The reference sampler: Hamiltonian Monte Carlo in NumPy, with all data, in double precision."""

import math

import numpy as np

from truth.case import Excess

# Leapfrog steps of a proposal, and the range of step sizes about the one that fits: trajectories of very different
# lengths, as there are very different scales.
LEAPFROGS = 16
SPREAD = 8.0
WANTED_ACCEPTANCE = 0.75


def finite_value(
    anchor: np.ndarray, excess: Excess, nbeta: float, localization: float, *, chains: int, draws: int, seed: int
) -> dict[str, float]:
    """E[nβ(L − L(w*))] under exp(−nβL − γ/2·|w − w*|²).

    Args:
        anchor: w*, `(P,)`.
        excess: The loss.
        nbeta: nβ.
        localization: γ.
        chains: Chains, which all start at w*: the value is that of the weights that can be reached from there.
        draws: Proposals of each chain that count; half as many go before.
        seed: Fixes everything.

    Returns:
        "value"; "error", over the chains; "drift", the second half of the draws less the first in units of its error;
        "acceptance".
    """
    rng = np.random.default_rng(seed)
    position = np.tile(anchor, (chains, 1))

    def potential(w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        loss, gradient = excess(w)
        away = w - anchor
        return (
            nbeta * loss + 0.5 * localization * (away**2).sum(axis=1),
            nbeta * gradient + localization * away,
            nbeta * loss,
        )

    energy, gradient, value = potential(position)
    longest, kept, accepted = 0.5 / math.sqrt(localization), [], []
    for proposal in range(draws + draws // 2):
        step = longest * np.exp(-rng.uniform(0, math.log(SPREAD), (chains, 1)))
        momentum = rng.normal(size=position.shape)
        before = energy + 0.5 * (momentum**2).sum(axis=1)
        new, slope = position, gradient
        # A step that is too long for where a chain is overflows, and is rejected.
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(LEAPFROGS):
                momentum = momentum - 0.5 * step * slope
                new = new + step * momentum
                new_energy, slope, new_value = potential(new)
                momentum = momentum - 0.5 * step * slope
            rise = new_energy + 0.5 * (momentum**2).sum(axis=1) - before
            probability = np.nan_to_num(np.exp(np.minimum(-rise, 0.0)))
        taken = rng.uniform(size=chains) < probability
        position = np.where(taken[:, None], new, position)
        gradient = np.where(taken[:, None], slope, gradient)
        energy, value = np.where(taken, new_energy, energy), np.where(taken, new_value, value)
        if proposal < draws // 2:
            longest *= math.exp(0.1 * (probability.mean() - WANTED_ACCEPTANCE))
        else:
            kept.append(value)
            accepted.append(probability.mean())
    means = np.array(kept)
    half = len(means) // 2
    change = means[half:].mean(axis=0) - means[:half].mean(axis=0)
    over_chains = math.sqrt(chains)
    return {
        "value": float(means.mean()),
        "error": float(means.mean(axis=0).std(ddof=1) / over_chains),
        "drift": float(change.mean() / (change.std(ddof=1) / over_chains)),
        "acceptance": float(np.mean(accepted)),
    }
