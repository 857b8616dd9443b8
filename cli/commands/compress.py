"""`ksm compress`: how small can networks be made, and how much noise do they bear?"""

import textwrap
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click

from ksm_cli.backend import activate
from ksm_cli.options.general import backend_option, json_option, quiet_option
from ksm_cli.options.outputs import Output, check_distinct, check_no_figure
from ksm_cli.options.run_folders import finished, folders_argument
from ksm_cli.options.stored_runs import data_of_runs, data_options
from ksm_cli.output import (
    Bar,
    Interrupted,
    print_json,
    print_table,
    printable,
    require,
    reraise,
    spoken_warnings,
    write_all,
)


@click.command(
    "compress",
    short_help="Make trained networks smaller, and see what it costs.",
    epilog="""\b
Examples:
  ksm compress sweeps/mnist
  ksm compress sweeps/mnist --test-samples 2000 --csv compression.csv
  ksm compress sweeps/controls --json --out compressed""",
)
@folders_argument("RUNS [RUNS ...]")
@data_options
@click.option(
    "--out",
    type=Output(folder=True),
    help="Folder of the table and the figures. Default: RUNS/compress; required with several RUNS.",
)
@click.option(
    "--csv",
    "csv_file",
    type=Output(folder=False, endings=(".csv",)),
    help="File of the table of all networks; to /dev/stdout it is printed alone. Default: compression.csv in that "
    "folder.",
)
@click.option(
    "--test-samples",
    "samples",
    type=click.IntRange(min=2),
    help="Number of test samples, of those of the runs. Default: all.",
)
@click.option(
    "--noise-draws",
    "draws",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Number of noise draws on the weights.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of all noise and corruptions."
)
@click.option(
    "--retrain",
    "retraining_epochs",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="EPOCHS",
    help="Also prune weights and train the others on, for so many epochs.",
)
@backend_option
@json_option
@quiet_option
def compress_command(
    folders: tuple[Path, ...], recipe_file: Path | None, data_dir: Path | None, examples: int | None,
    out: Path | None, csv_file: Path | None, samples: int | None, draws: int, seed: int, retraining_epochs: int,
    backend: str | None, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Make the trained networks in RUNS smaller or noisier, and see what it costs.

    RUNS are folders of runs, at any depth. Weights and units are pruned, kernels
    quantized and cut to low rank, noise is added to weights and inputs, and images
    are blurred, shifted and partly covered. The table shows where the loss has risen
    by 0.1 nat. Self-modeling networks are compared with the baseline, paired by
    seed, and with networks trained on other objectives at the same accuracy.
    Finally it shows whether RLCT and weight spread predict how small each network
    can be made. Each run keeps its curves as compression.json, so that the same
    command continues after an interruption, and ksm report shows them.
    """
    folder = out or folders[0] / "compress"
    check_distinct({"--recipe": recipe_file}, {"--csv": csv_file}, {"--out": out})
    check_no_figure("--csv", csv_file, folder, "compression*.png")
    require("rich", "matplotlib", "scipy")
    if out is None and len(folders) > 1:
        raise click.UsageError("Several RUNS need a folder for the result. Give it as --out.")
    with Bar(quiet) as bar, spoken_warnings():
        bar.loading("Keras, the runs and the data")
        activate(backend)
        from keras_selfmodel._typed_files import plain
        from keras_selfmodel._whole_files import is_standard_output, write_csv
        from keras_selfmodel.reporting import compression_figure, write_figure
        from keras_selfmodel.studies import compression
        from ksm_cli.tables import compression as tables

        protocol = compression.CompressionProtocol(samples, draws, seed, retraining_epochs)
        results = [result for folder in folders for result in finished(folder).results]
        dataset = data_of_runs(results, recipe_file, data_dir, examples, {"--out": out, "--csv": csv_file})
        try:
            found = compression.compress_runs(results, dataset, protocol=protocol, progress=partial(bar.show, "parts"))
        except KeyboardInterrupt:
            raise Interrupted("To continue, repeat the command.") from None
        csv_file = csv_file or folder / "compression.csv"
        writers = [partial(write_csv, csv_file, compression.compressed_rows(found))]
        groups, compared = compression.compressed_groups(found), compression.compression_comparisons(found)
        verdicts, associated = compression.efficiency_verdicts(compared), compression.associations(found)
        figures: list[str] = []
        for title, networks in compression.compared_networks(found).items():
            figure = folder / f"compression{f'-{len(figures) + 1}' if figures else ''}.png"
            writers.append(partial(write_figure, compression_figure(networks, title), figure))
            figures.append(str(figure))
        writers += [partial(reraise, one.not_kept) for one in found if one.not_kept is not None]
    alone = is_standard_output(csv_file)
    if as_json and not alone:
        print_json(
            {
                "protocol": asdict(found[0].compression.protocol),
                "groups": plain(groups),
                "comparisons": plain(tables.comparisons_json(compared)),
                "verdicts": plain(verdicts),
                "associations": plain(associated),
                "networks": plain(compression.compressed_rows(found)),
                "not_measured": {str(one.result.folder): one.compression.not_measured for one in found},
                "figures": figures,
                "csv": str(csv_file),
            }
        )
        write_all(*writers)
        return
    if not alone:
        for table in tables.compression_tables(groups):
            print_table(table)
        click.echo(tables.COMPRESSION_LEGEND)
        if retraining_epochs:
            click.echo(tables.RETRAINED_PRUNING_LEGEND)
        click.echo()
        for table in (*tables.comparison_tables(compared), *tables.association_tables(associated)):
            print_table(table)
            click.echo()
        for sentence in tables.verdict_lines(verdicts):
            click.echo(textwrap.fill(sentence, 80, subsequent_indent="  "))
    for name, reason in {n: r for one in found for n, r in one.compression.not_measured.items()}.items():
        click.echo(textwrap.fill(tables.not_measured_sentence(name, reason), 80, subsequent_indent="  "), err=True)
    write_all(*writers)
    if alone:
        return
    for file in (str(csv_file), *figures):
        click.echo(printable(f"file: {file}"))
    click.echo("The curves are in each run's compression.json.")
