"""`ksm observer`: how easy are networks to predict for others?"""

import textwrap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ksm_cli.backend import activate
from ksm_cli.options.general import backend_option, json_option, quiet_option
from ksm_cli.options.grids import numbers
from ksm_cli.options.outputs import Output
from ksm_cli.options.run_folders import finished, folders_argument
from ksm_cli.options.stored_runs import data_of_runs, data_options
from ksm_cli.output import Bar, Interrupted, print_json, print_table, printable, require, spoken_warnings, write_all

if TYPE_CHECKING:
    from keras_selfmodel.probes.observers import ObserverProtocol


# Written out, because the help must not import the package. A test compares.
SOURCES = ("inputs", "logits", "probabilities")


@click.command(
    "observer",
    short_help="Train observers to predict trained networks.",
    epilog="""\b
Examples:
  ksm observer sweeps/mnist
  ksm observer sweeps/mnist --capacities 0,64 --from inputs --out observer64""",
)
@folders_argument("RUNS [RUNS ...]")
@data_options
@click.option(
    "--out",
    type=Output(folder=True),
    help="Folder. Default: RUNS/observer; required with several RUNS.",
)
@click.option(
    "--capacities",
    metavar="LIST",
    default="0,16,64,256",
    show_default=True,
    help="Hidden units of the observers; 0: a linear observer, solved exactly.",
)
@click.option(
    "--from",
    "sources",
    type=click.Choice(SOURCES),
    multiple=True,
    help="What the observers see; may be repeated. Default: all.",
)
@click.option(
    "--train-samples",
    "samples",
    type=click.IntRange(min=2),
    help="Number of training samples, of those of the runs. Default: 10000, or all if there are fewer.",
)
@click.option(
    "--test-samples",
    "held_out",
    type=click.IntRange(min=2),
    help="Number of test samples, of those of the runs. Default: 10000, or all if there are fewer.",
)
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the training samples. Default: 10.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Samples per step. Default: 100.")
@click.option(
    "--learning-rate", type=click.FloatRange(min=0, min_open=True), help="Learning rate of Adam. Default: 0.002."
)
@click.option(
    "--seed", type=click.IntRange(min=0), help="Seed of the observers' samples and initial weights. Default: 0."
)
@backend_option
@json_option
@quiet_option
def observer_command(
    folders: tuple[Path, ...], recipe_file: Path | None, data_dir: Path | None, examples: int | None,
    out: Path | None, capacities: tuple[int, ...], sources: tuple[str, ...], backend: str | None, as_json: bool,
    quiet: bool, **settings: Any,
) -> None:  # fmt: skip
    """Train observer networks to predict trained networks: their hidden activations
    and outputs from the inputs, and their activations from the outputs.

    Every network in RUNS (folders of runs, at any depth) is observed in the same
    way: same capacities, samples, batches, steps and initial weights. Targets are
    standardized unit by unit, so that small activations have no advantage. Errors
    are compared between auxiliary weights, with intervals over the seeds, and with
    networks trained on other objectives by ksm controls, at the same accuracy. The
    folder keeps what was observed, so that the same command continues after an
    interruption. observer.csv holds every error and observer.png the figure;
    observer-2.png and so on show runs with other settings or objectives.
    """
    require("rich", "matplotlib", "scipy")
    capacities = numbers(capacities, int, "--capacities", least=0)
    if out is None and len(folders) > 1:
        raise click.UsageError("Several RUNS need a folder for the result. Give it as --out.")
    with Bar(quiet) as bar, spoken_warnings():
        bar.loading("Keras, the runs and the data")
        backend = activate(backend)
        from keras_selfmodel._whole_files import write_csv
        from keras_selfmodel.probes.observers import QUESTIONS, ObserverProtocol
        from keras_selfmodel.reporting import observer_figure, write_figure
        from keras_selfmodel.studies import observers
        from ksm_cli.tables.observers import OBSERVER_LEGEND, groups_json, matched_observer_tables, observer_tables

        given = {name: value for name, value in settings.items() if value is not None}
        protocol = ObserverProtocol(capacities=tuple(capacities), **given)
        results = [result for folder in folders for result in finished(folder).results]
        dataset = data_of_runs(results, recipe_file, data_dir, examples, {"--out": out})
        protocol = protocol.of_data(len(dataset.y_train), len(dataset.y_test))
        _say_fewer(protocol, given)
        questions = [question for question in QUESTIONS if not sources or question.source in sources]
        folder = out or folders[0] / "observer"
        try:
            observed = observers.observe_runs(
                results,
                dataset,
                folder,
                protocol=protocol,
                questions=questions,
                progress=partial(bar.show, "observers"),
            )
        except KeyboardInterrupt:
            raise Interrupted(f"To continue in {folder}, repeat the command.") from None
        groups = observers.observed_groups(observed)
        matched = observers.matched_observers(observed)
        writers = [partial(write_csv, folder / "observer.csv", observers.observed_rows(observed))]
        titles = list(dict.fromkeys(group.study for group in groups))
        figures = ["observer.png", *(f"observer-{number}.png" for number in range(2, len(titles) + 1))]
        for name, title in zip(figures, titles, strict=True):
            figure = observer_figure([group for group in groups if group.study == title])
            writers.append(partial(write_figure, figure, folder / name))
    reading = observers.observer_reading(groups)
    if as_json:
        print_json(
            {
                "protocol": {**protocol.to_dict(), "backend": backend},
                "reading": reading,
                "groups": groups_json(groups),
                "matched": [
                    {"study": one.study, "question": one.question._asdict(), "capacity": one.capacity, **each.to_dict()}
                    for one in matched
                    for each in one.comparisons
                ],
                "observations": observers.observed_rows(observed),
            }
        )
        write_all(*writers)
        return
    for table in observer_tables(groups):
        print_table(table)
    click.echo(OBSERVER_LEGEND)
    click.echo()
    for table in matched_observer_tables(matched):
        print_table(table)
        click.echo()
    for sentence in reading:
        click.echo(textwrap.fill(sentence, 80, subsequent_indent="  "))
    write_all(*writers)
    drawn = " to ".join(dict.fromkeys([figures[0], figures[-1]]))
    click.echo(printable(f"files: {folder}: observer.csv, {drawn}"))


def _say_fewer(protocol: "ObserverProtocol", given: dict) -> None:
    """Says which default numbers of samples the data cannot provide."""
    from keras_selfmodel.probes.observers import SAMPLES

    for name, what in (("samples", "training"), ("held_out", "test")):
        number = getattr(protocol, name)
        if name not in given and number < SAMPLES:
            click.echo(f"The data have {number:,} {what} samples: all are used, not {SAMPLES:,}.", err=True)
