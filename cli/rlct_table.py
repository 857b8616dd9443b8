"""What `ksm rlct` prints: a table for people, JSON for programs."""

import dataclasses
import math
from pathlib import Path

from rich.table import Table

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.rlct import RLCTEstimate


def rlct_table(estimate: RLCTEstimate, dataset: Dataset, file: Path) -> Table:
    """The estimate with what is needed to judge it; 80 columns hold it."""
    settings = estimate.settings
    table = Table(
        title=f"RLCT of {file.name}",
        title_justify="left",
        caption=f"data: {dataset.source}",
        caption_justify="left",
        show_header=False,
    )
    table.add_column()
    table.add_column(justify="right")
    for name, value in [
        ("RLCT ± standard error", f"{estimate.value:.3f} ± {estimate.std_error:.3f}"),
        ("of that, from sampling alone", f"{estimate.sampling_error:.3f}"),
        ("chains", "  ".join(f"{value:.2f}" for value in estimate.chain_values)),
        (f"nβ ({settings.convention} convention)", f"{estimate.inverse_temperature:.1f}"),
        ("paired / plain difference", f"{estimate.paired_value:.2f} / {estimate.plain_value:.2f}"),
        ("heat of batches and steps", f"{estimate.heat_correction:.2f}"),
        ("loss at w*", f"{estimate.initial_loss:.5f}"),
        ("|w*|, distance of the chains from it", f"{estimate.anchor_norm:.3g}, {estimate.distance:.3g}"),
        ("R̂, effective draws", f"{estimate.r_hat:.3f}, {estimate.ess:.0f}"),
        ("sampler, step size ε", f"{settings.sampler}, {estimate.step_size:.3g}"),
        ("localization γ", f"{estimate.localization:.3g}"),
        ("burn-in, draws, batch", f"{settings.burn_in}, {settings.num_draws}, {settings.batch_size}"),
        ("weights, samples", f"{estimate.num_parameters}, {estimate.num_samples}"),
        ("verdict", estimate.verdict),
    ]:
        table.add_row(name, value)
    return table


def rlct_json(estimate: RLCTEstimate, dataset: Dataset) -> dict:
    """The estimate as JSON holds it; what is not a number is null."""

    def number(value: float) -> float | None:
        return float(value) if math.isfinite(value) else None

    return {
        "rlct": number(estimate.value),
        "std_error": number(estimate.std_error),
        "sampling_error": number(estimate.sampling_error),
        "chains": [number(value) for value in estimate.chain_values],
        "paired": number(estimate.paired_value),
        "plain": number(estimate.plain_value),
        "heat_correction": number(estimate.heat_correction),
        "initial_loss": number(estimate.initial_loss),
        "inverse_temperature": estimate.inverse_temperature,
        "localization": estimate.localization,
        "step_size": number(estimate.step_size),
        "gradient_evaluations": estimate.gradient_evaluations,
        "r_hat": number(estimate.r_hat),
        "ess": number(estimate.ess),
        "num_parameters": estimate.num_parameters,
        "num_samples": estimate.num_samples,
        "settings": dataclasses.asdict(estimate.settings),
        "distance": number(estimate.distance),
        "anchor_norm": estimate.anchor_norm,
        "verdict": estimate.verdict,
        "warnings": list(estimate.warnings),
        "data": {"source": dataset.source, "digest": dataset.digest},
    }
