"""Runs that nobody computed, with chosen measures, for tests of what is made of them."""

import dataclasses
from pathlib import Path

import numpy as np

from keras_selfmodel.experiments import TASKS, RunResult
from keras_selfmodel.experiments.computed_on import Provenance
from keras_selfmodel.experiments.paper import paper_figures
from keras_selfmodel.experiments.run_config import CONFIG, DataIdentity, RunConfig
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.run_result import METRICS, SAMPLED_AS_ASKED
from keras_selfmodel.experiments.seconds import SECONDS, Seconds
from keras_selfmodel.rlct import Descent, RLCTSummary

MNIST = TASKS["mnist"].recipe


def made_up_run(aux_weight: float = 10.0, seed: int = 1, *, recipe=MNIST, backend="jax", **measures) -> RunResult:
    """A run of MNIST with the paper's settings; `measures` are fields of `RunResult`, or of the recipe."""
    fields = {field.name for field in dataclasses.fields(RunResult)}
    settings = {name: value for name, value in measures.items() if name not in fields}
    recipe = dataclasses.replace(recipe, aux_weight=aux_weight, seed=seed, **settings)
    sampled = {name: value for name in SAMPLED_AS_ASKED if (value := getattr(recipe.rlct, name, None)) is not None}
    sampled.setdefault("num_chains", 4)
    estimates = {
        name: estimate(value, anchor=anchor, **sampled)
        if isinstance(value, float)
        else dataclasses.replace(value, seed=seed)
        for name, anchor in (("rlct", "trained"), ("rlct_descended", "descend"))
        if (value := measures.get(name)) is not None
    }
    # A field that a test does not name is `None`.
    values = {
        **dict.fromkeys(fields),
        "recipe": recipe,
        "accuracy": 0.97,
        "weight_spread": 0.09,
        "weight_interquartile_range": 0.08,
        "rlct": None if recipe.rlct is None else estimate(50.0, **sampled),
        "data_source": "made up",
        "is_subset": False,
        "backend": backend,
        "paper": paper_figures(recipe),
        "seconds": {"training": 1.0},
        "folder": Path(f"runs/hidden{recipe.hidden}-aux{aux_weight:g}-seed{seed}-{backend}"),
        **{name: value for name, value in measures.items() if name in fields},
        **estimates,
    }
    return RunResult(**values)


def estimate(value: float | None, **changes) -> RLCTSummary:
    """An RLCT that nothing speaks against, with the paper's settings."""
    values = {
        **{field.name: None for field in dataclasses.fields(RLCTSummary) if field.default is dataclasses.MISSING},
        "value": value,
        "verdict": "doubtful" if changes.get("warnings") else "reliable",
        "warnings": (),
        "anchor": "trained",
        "convention": "paper",
        "inverse_temperature": 82.07,
        "localization": 100.0,
        "sampler": "sgld",
        "step_size": 1e-4,
        "seed": MNIST.seed,
        "num_chains": 4,
        "num_draws": 500,
        "burn_in": 500,
        "batch_size": 512,
        "num_samples": 60_000,
        "num_parameters": 407_050,
    }
    if value is None or value < 0:
        values["verdict"] = "not to be used"
    values |= changes
    descended = {"descent": Descent(0.5, 0.4, 1.0, 500)} if values["anchor"] == "descend" else {}
    objected = {"warnings": ("An objection.",)} if values["verdict"] != "reliable" else {}
    means = {"chain_values": (value,) * max(values["num_chains"], 0)}
    return RLCTSummary(**{**values, **descended, **objected, **means, **changes})


def made_up_grid(hiddens=(64, 512), weights=(0, 1, 10, 50), seeds=(1, 2, 3), **changes) -> list[RunResult]:
    """Runs whose spread and RLCT fall with the weight, by 10 % a step and with little scatter."""
    rng = np.random.default_rng(0)
    return [
        made_up_run(
            float(weight),
            seed,
            **{
                "hidden": hidden,
                "weight_spread": (0.1 - 0.01 * step) * (1 + 0.002 * rng.normal()),
                "rlct": (60 - 6 * step) * (1 + 0.002 * rng.normal()),
                "accuracy": 0.97 - 0.001 * step + 0.0002 * rng.normal(),
                "self_prediction_r2": 0.98 if weight else None,
                **changes,
            },
        )
        for hidden in hiddens
        for step, weight in enumerate(weights)
        for seed in seeds
    ]


def written(result: RunResult, folder: Path, history: list[dict] | None = None) -> RunResult:
    """The same run with its files in a folder, as `ksm run` leaves them."""
    files = RunFolder(folder)
    config = RunConfig(
        result.recipe,
        DataIdentity(result.recipe.task, result.data_source, "ab" * 32),
        Provenance(
            keras_selfmodel="0.1.0",
            backend=result.backend,
            devices=("cpu:0 cpu",),
            python="3.11.7",
            platform="Linux",
            packages={"keras": "3.12.0", "numpy": "2.0.0"},
        ),
    )
    files.write("config.json", CONFIG, config)
    epochs = result.recipe.epochs
    files.write_history(
        history
        or [
            {"epoch": epoch, "loss": 1 / epoch, "weight_spread": result.weight_spread * epoch / epochs}
            for epoch in range(1, epochs + 1)
        ]
    )
    files.write("seconds.json", SECONDS, Seconds(result.seconds))
    files.write("metrics.json", METRICS, result.stored)
    return dataclasses.replace(result, folder=folder, config=config)


def network_written(result: RunResult, model, folder: Path, kept=()) -> RunResult:
    """The same run with a network in its folder.

    Args:
        result: The run.
        model: The trained network, compiled.
        folder: Its run folder.
        kept: Pairs of an epoch, one that the recipe keeps, and the weights that the network had after it.
    """
    result = written(result, folder)
    files, last = RunFolder(folder), model.get_weights()
    for epoch, weights in kept:
        model.set_weights(weights)
        files.kept(epoch).parent.mkdir(exist_ok=True)
        model.save_weights(files.kept(epoch))
    model.set_weights(last)
    model.save(files.model)
    return result
