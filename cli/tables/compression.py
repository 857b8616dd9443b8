"""What `ksm compress` prints."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich import box
from rich.table import Table

from keras_selfmodel.studies.compression import (
    COMPRESSION_MEASURES,
    RETRAINED_PRUNING,
    Association,
    CompressedGroup,
    CompressionComparison,
    EfficiencyVerdict,
)
from keras_selfmodel.studies.compression.measures import RISE
from keras_selfmodel.studies.wording import correlation_text, interval_text, strength_name
from ksm_cli.tables.controls import CELL_PADDING, WIDTH

# Two tables, because what fits 80 columns beside the strength is not all.
SIZE_COLUMNS = ("pruning", "units", "bits", "rank")
NOISE_COLUMNS = ("weight_noise", "input_noise", "ece")
SHOWN = COMPRESSION_MEASURES | {RETRAINED_PRUNING.name: RETRAINED_PRUNING}
AUX_WEIGHTS_ACROSS = 3
# What may be impossible, besides Keras's own quantizations.
NOT_MEASURED_TITLES = {
    "units": "Pruning of units",
    "input_noise": "Noise on the inputs",
    "input_blur": "Blur",
    "input_shift": "Shift",
    "input_occlusion": "Occlusion",
    "pruning_retrained": "Pruning with retraining",
}
PREDICTOR_TITLES = {"rlct": "RLCT", "weight_spread": "spread"}

COMPRESSION_LEGEND = f"""\
On the test samples, where the loss has risen by {RISE:g} nat: the part of the
kernels' weights that is left when the smallest are set to 0; of the units,
when those of the least influence are replaced by their mean; bits per weight
in even steps; the part of the weights that low-rank kernels need; σ of noise
on the weights in units of each kernel's RMS, and on the inputs in units of
their range. ECE: calibration error of the network as it is. Mean ± 95 %
interval over the seeds; (n): n networks reach the rise; (c): collapsed."""
RETRAINED_PRUNING_LEGEND = f"""\
Retrained: the part of the weights that is left when the smallest are set to 0
and the others are trained on, where the loss rises by {RISE:g} nat."""


def compression_tables(groups: Sequence[CompressedGroup]) -> Iterator[Table]:
    """For each study and size two tables: strengths down, sizes and noise across; one more of what was retrained."""
    for place in dict.fromkeys((group.study, group.hidden) for group in groups):
        alike = [group for group in groups if (group.study, group.hidden) == place]
        retrained = any(group.values[RETRAINED_PRUNING.name] is not None for group in alike)
        for names, with_accuracy in (
            (SIZE_COLUMNS, False),
            (NOISE_COLUMNS, True),
            *([((RETRAINED_PRUNING.name,), False)] if retrained else []),
        ):
            table = _table(f"{place[0]}, H = {place[1]}")
            table.add_column(strength_name(alike[0].objective), justify="right")
            table.add_column("nets", justify="right")
            if with_accuracy:
                table.add_column("accuracy / %", justify="right", no_wrap=True)
            for name in names:
                table.add_column(SHOWN[name].title, justify="right", no_wrap=True)
            for group in alike:
                collapsed = f" ({group.collapsed}c)" if group.collapsed else ""
                accuracy = [interval_text(group.accuracy, 2, factor=100)] if with_accuracy else []
                cells = [_value(group, name) for name in names]
                table.add_row(f"{group.aux_weight:g}", f"{group.networks}{collapsed}", *accuracy, *cells)
            yield table


def comparison_tables(compared: Sequence[CompressionComparison]) -> Iterator[Table]:
    """For each study, size and reference the differences: measures down, auxiliary weights across."""
    for place in dict.fromkeys((one.study, one.hidden, one.reference) for one in compared):
        alike = [one for one in compared if (one.study, one.hidden, one.reference) == place]
        cells = {(one.measure, one.aux_weight): one for one in alike}
        weights = sorted({one.aux_weight for one in alike})
        for start in range(0, len(weights), AUX_WEIGHTS_ACROSS):
            where = "" if place[2] == "baseline" else " at the same accuracy"
            table = _table(f"{place[0]}, H = {place[1]}: self-modeling minus {place[2]}{where}")
            table.add_column("measure")
            shown = weights[start : start + AUX_WEIGHTS_ACROSS]
            for weight in shown:
                table.add_column(f"AW {weight:g}", justify="right", no_wrap=True)
            for name, measure in COMPRESSION_MEASURES.items():
                better = f"{measure.title} ({measure.better} is better)"
                table.add_row(better, *(_difference(cells.get((name, weight))) for weight in shown))
            table.caption, table.caption_justify = (
                "± 95 % interval, paired by seed; Holm p ≤ 0.05: + better, − worse; – not enough data",
                "left",
            )
            yield table


def association_tables(found: Sequence[Association]) -> Iterator[Table]:
    """For each size and objective the rank correlations with RLCT and spread."""
    for title, objective in dict.fromkeys((one.networks, one.objective) for one in found):
        alike = [one for one in found if (one.networks, one.objective) == (title, objective) and one.correlation]
        if not alike:
            continue
        table = _table(f"{title}, {objective}: Spearman's ρ over networks [95 % interval]")
        table.add_column("size")
        for name in PREDICTOR_TITLES.values():
            table.add_column(name, justify="right", no_wrap=True)
        cells = {(one.measure, one.predictor): one for one in alike}
        for measure in dict.fromkeys(one.measure for one in alike):
            row = [_correlation(cells.get((measure, predictor))) for predictor in PREDICTOR_TITLES]
            table.add_row(COMPRESSION_MEASURES[measure].title, *row)
        yield table


def verdict_lines(found: Sequence[EfficiencyVerdict]) -> Iterator[str]:
    """One sentence for each size, auxiliary weight and reference."""
    for one in found:
        parts = [
            f"{word}: {', '.join(COMPRESSION_MEASURES[name].title.partition(' /')[0] for name in names)}"
            for word, names in (("smaller", one.smaller), ("larger", one.larger))
            if names
        ]
        why = f" ({'; '.join(parts)})" if parts else ""
        yield (
            f"{one.study}, H = {one.hidden}, AW {one.aux_weight:g}: more parameter-efficient than {one.reference}? "
            f"{one.verdict}{why}"
        )


def not_measured_sentence(name: str, reason: str) -> str:
    """Why something was not measured, such as "input_blur"."""
    what = NOT_MEASURED_TITLES.get(name, f"Quantization to {name}")
    return f"{what} was not measured: {reason.removesuffix('.')}."


def comparisons_json(compared: Sequence[CompressionComparison]) -> list[dict]:
    """Everything, as JSON holds it."""
    return [{**asdict(one), "verdict": one.verdict} for one in compared]


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE, padding=CELL_PADDING, min_width=WIDTH)


def _value(group: CompressedGroup, name: str) -> str:
    measure, interval = SHOWN[name], group.values[name]
    if interval is None:
        return "not reached" if measure.name != "ece" else "–"
    some = f" ({group.reached[name]})" if group.reached[name] < group.networks else ""
    return interval_text(interval, measure.digits, factor=measure.factor) + some


def _difference(one: CompressionComparison | None) -> str:
    if one is None or one.difference is None:
        return "–"
    measure, estimate = COMPRESSION_MEASURES[one.measure], one.difference.estimate
    text = interval_text(estimate, measure.digits, factor=measure.factor, sign=True)
    return text + {"better": " +", "worse": " −"}.get(one.verdict, "  ")


def _correlation(one: Association | None) -> str:
    if one is None or one.correlation is None:
        return "–"
    return f"{correlation_text(one.correlation)}, n = {one.correlation.count}"
