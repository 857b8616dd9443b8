"""What `ksm rlct` prints: a table for people, JSON for programs."""

import math
from pathlib import Path

from rich import box
from rich.table import Table

from keras_selfmodel._number_texts import NO_NUMBER, number_text, short_number, short_with_error, with_error
from keras_selfmodel._typed_files import plain
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.rlct import Calibration, LocalizationProfile, RLCTEstimate
from ksm_cli.tables.controls import CELL_PADDING


def rlct_table(estimate: RLCTEstimate, dataset: Dataset, file: Path) -> Table:
    """The estimate with what it takes to judge it; fits 80 columns."""
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
        ("RLCT ± standard error", with_error(estimate.value, estimate.std_error, 3, none=NO_NUMBER)),
        ("  from sampling alone", number_text(estimate.sampling_error, 3)),
        *_locality_rows(estimate),
        ("chains", "  ".join(_value(value, 2) for value in estimate.chain_values)),
        (f"nβ ({settings.convention} convention)", f"{estimate.inverse_temperature:.1f}"),
        (
            "paired / plain difference",
            " / ".join(_value(value, 2) for value in (estimate.paired_value, estimate.plain_value)),
        ),
        ("heat of batches and steps", number_text(estimate.heat_correction, 2)),
        *_descent_rows(estimate),
        ("loss at w*", number_text(estimate.initial_loss, 5)),
        ("gradient term at w*", short_number(estimate.gradient_term, 3)),
        (
            "|w*|, distance of the chains from it",
            f"{short_number(estimate.anchor_norm, 3)}, {short_number(estimate.distance, 3)}",
        ),
        ("R̂, effective draws", f"{number_text(estimate.r_hat, 3)}, {short_number(estimate.ess, 3)}"),
        ("sampler, step size ε", f"{settings.sampler}, {short_number(estimate.step_size, 3)}"),
        ("localization γ", short_number(estimate.localization, 3)),
        ("burn-in, draws, batch", f"{settings.burn_in}, {estimate.draws.shape[1]}, {settings.batch_size}"),
        ("weights, samples", f"{estimate.num_parameters}, {estimate.num_samples}"),
        *((f"nβ · excess loss on {name} data", _observed(estimate, name)) for name in estimate.observed),
        ("verdict", estimate.verdict),
    ]:
        table.add_row(name, value)
    return table


def calibration_table(calibration: Calibration) -> Table:
    """The pilots of a calibration; fits 80 columns."""
    table = Table(title="Pilot runs", title_justify="left")
    for name in ("localization\nγ", "step\nsize ε", "steps", "RLCT ±\nsampling error", "heat", ""):
        table.add_column(name, justify="right")
    pilots = [*calibration.localizations, *calibration.step_sizes[:-1]]
    for pilot in pilots:
        table.add_row(
            short_number(pilot.localization, 3),
            short_number(pilot.step_size, 3),
            str(pilot.losses.shape[1]),
            with_error(pilot.value, pilot.sampling_error, 2, none=NO_NUMBER),
            number_text(pilot.heat_correction, 2),
            "chosen" if pilot is calibration.pilot else "",
        )
    return table


def profile_table(profile: LocalizationProfile) -> Table:
    """The estimates of a profile over the localization; fits 80 columns."""
    table = Table(title="Profile over the localization", title_justify="left", box=box.SIMPLE, padding=CELL_PADDING)
    names = ["localization\nγ", "γ/γ₀", "RLCT ±\nsampling error", "distance", "held\nby γ", "not\nfilled"]
    for name in [*names, *([] if profile.plateau is None else ["on the\nplateau"])]:
        table.add_column(name, justify="right")
    half = 0.5 * profile.num_parameters
    for row in range(len(profile.values)):
        table.add_row(
            short_number(profile.localizations[row], 3),
            short_number(profile.localizations[row] / profile.unit, 2),
            with_error(profile.values[row], profile.sampling_errors[row], 2, none=NO_NUMBER),
            short_number(profile.distances[row], 3),
            f"{profile.held[row] / half:.0%}",
            f"{max(profile.unfilled[row], 0.0) / half:.0%}",
            *([] if profile.plateau is None else ["yes" if row in profile.plateau else ""]),
        )
    return table


def profile_json(profile: LocalizationProfile) -> dict:
    """The profile as JSON."""
    columns = ("localizations", "values", "sampling_errors", "distances", "held", "unfilled")
    return {
        **{name: [_number(value) for value in getattr(profile, name)] for name in columns},
        "unit": profile.unit,
        "plateau": None if profile.plateau is None else list(profile.plateau),
        "words": profile.words,
        "gradient_evaluations": profile.gradient_evaluations,
    }


def calibration_json(calibration: Calibration) -> dict:
    """The calibration as JSON."""

    def row(pilot: RLCTEstimate) -> dict:
        return {
            "localization": pilot.localization,
            "step_size": _number(pilot.step_size),
            "value": _number(pilot.value),
            "sampling_error": _number(pilot.sampling_error),
        }

    return {
        "on_plateau": calibration.on_plateau,
        "notes": list(calibration.notes),
        "localizations": [row(pilot) for pilot in calibration.localizations],
        "step_sizes": [row(pilot) for pilot in calibration.step_sizes],
        "gradient_evaluations": calibration.gradient_evaluations,
    }


def rlct_json(estimate: RLCTEstimate, dataset: Dataset) -> dict:
    """The summary of the estimate, as in run folders, and what only this command computes."""
    profile = estimate.profile
    return {
        **plain(estimate.summary()),
        "precision": "float32",  # whatever the network computes in
        "sensitivity": plain(estimate.sensitivity),
        "profile": None if profile is None else profile_json(profile),
        "observed": {
            name: dict(zip(("value", "std_error"), map(_number, estimate.observed_value(name)), strict=True))
            for name in estimate.observed
        },
        "data": {"source": dataset.source, "digest": dataset.digest},
    }


def _descent_rows(estimate: RLCTEstimate) -> list[tuple[str, str]]:
    descent = estimate.descent
    if descent is None:
        return []
    return [("descent", descent.words), ("distance descended", short_number(descent.distance, 3))]


def _locality_rows(estimate: RLCTEstimate) -> list[tuple[str, str]]:
    if estimate.settings.convention == "paper":
        return [("  from L₀ of a few batches", number_text(estimate.reference_error, 3))]
    few = math.hypot(estimate.finite_size_error, estimate.temperature_error)
    rows = [
        ("  from the localization", number_text(estimate.localization_error, 3)),
        ("  from the number of samples", number_text(few, 3)),
    ]
    if estimate.quadratic_value is not None:
        rows.append(("  from what the loss holds near w*", number_text(estimate.departure_error, 3)))
        rows.append(("the parabola at w* alone", short_number(estimate.quadratic_value, 4)))
    if estimate.trend is not None:
        rows.append(
            (
                "gain at a quarter of nβ",
                short_with_error(estimate.trend.difference, estimate.trend.error),
            )
        )
    if estimate.sensitivity is not None:
        sensitivity = estimate.sensitivity
        rows.append(
            (
                "gain with each e-fold of weaker γ",
                short_with_error(sensitivity.slope, sensitivity.error),
            )
        )
    half = 0.5 * estimate.num_parameters
    if math.isfinite(estimate.unfilled):
        rows.append(("degeneracy (1: quadratic)", short_number(estimate.degeneracy, 3)))
        shares = f"{estimate.held_by_localization / half:.0%}, {max(estimate.unfilled, 0.0) / half:.0%}"
        rows.append(("directions held by γ, not yet filled", shares))
    return rows


def _observed(estimate: RLCTEstimate, name: str) -> str:
    return with_error(*estimate.observed_value(name), 2, none=NO_NUMBER)


def _value(value: float, digits: int) -> str:
    return number_text(value, digits, none=NO_NUMBER)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
