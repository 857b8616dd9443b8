"""What `gpu.py` measures. Keras is imported in the functions, so that reading the list of them costs nothing.

Each yields names and values, as they are measured.
"""

import itertools
import time
import warnings
from collections.abc import Iterator

Found = Iterator[tuple[str, dict]]


def epoch(options) -> Found:
    import training

    x, y = training.data()
    if options.small:
        training.BATCHES = training.BATCHES[:4]
        x, y = x[:2048], y[:2048]
    by_hand = {"jax": training.jax_epoch, "tensorflow": training.tensorflow_epoch, "torch": training.torch_epoch}
    ways = {
        "hand-written": by_hand[options.backend](x, y),
        "self-modeling": training.keras_epoch(training.AUX_WEIGHT, x, y),
        "plain": training.keras_epoch(0.0, x, y),
    }
    for name, one_epoch in ways.items():
        yield name, {"first": seconds(one_epoch), "best": min(seconds(one_epoch) for _ in range(5))}


def rlct(options) -> Found:
    import keras

    import keras_selfmodel as ksm
    from keras_selfmodel import experiments, transforms

    data, task = dataset("mnist", options.small), experiments.find_task("mnist")
    model = ksm.SelfModelingModel(ksm.models.mlp(16 if options.small else 512, seed=1), "hidden", 10.0, seed=1)
    model.compile(
        keras.optimizers.SGD(0.005, momentum=0.9, nesterov=True),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **transforms.compile_options(model),
    )
    x = task.inputs(data.x_train)
    model.fit(x, data.y_train, batch_size=512, epochs=3, shuffle=False, verbose=0)
    conventions = {"paper": {"convention": "paper", "step_size": 1e-4, "localization": 100.0}, "default": {}}
    if options.small:
        conventions["paper"]["num_draws"] = 20
        conventions["default"] = {"num_draws": 20, "burn_in": 20}
    for name, settings in conventions.items():
        yield name, estimated(model, x, data.y_train, 512, settings)


def estimated(model, x, y, batch_size: int, settings: dict, **loss) -> dict:
    """An estimate, and its seconds: in all, of which steps; the others hold what is compiled."""
    import keras_selfmodel as ksm

    stamps, start = [], time.perf_counter()

    def phase(words: str) -> None:
        print(f"{time.perf_counter() - start:7.1f} s  {words}", flush=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ksm.rlct.RLCTWarning)
        estimate = ksm.estimate_rlct(
            model,
            (x, y),
            batch_size=batch_size,
            seed=1,
            phase=phase,
            progress=lambda done, _: stamps.append((time.perf_counter(), done)),
            **settings,
            **loss,
        )
    total = time.perf_counter() - start
    (first, done), (last, all_done) = stamps[0], stamps[-1]
    pace = (last - first) / max(1, all_done - done)
    phase("done")
    return {
        "seconds": total,
        "of which steps": pace * all_done,
        "ms a step": 1e3 * pace,
        "value": estimate.value,
        "std_error": estimate.std_error,
        "verdict": estimate.verdict,
        "gradients": estimate.gradient_evaluations,
    }


def cifar(options) -> Found:
    from keras_selfmodel.experiments import Progress, run

    precision = options.precision if options.precision.startswith("mixed") else "float32"
    recipe = cifar_recipe(aux_weight=1.0, epochs=3, precision=precision, rlct=None)
    data = dataset("cifar10", options.small)
    stamps = [time.perf_counter()]

    def stamp(*_) -> None:
        stamps.append(time.perf_counter())
        print(f"epoch after {stamps[-1] - stamps[-2]:.1f} s", flush=True)

    run(recipe, data, options.out / "runs" / options.name, progress=Progress(epoch=stamp), resume=True)
    first, *later = [b - a for a, b in itertools.pairwise(stamps)]
    yield "epoch", {"first": first, "best": min(later)}


def cifar_recipe(**settings):
    import dataclasses

    from keras_selfmodel import experiments

    return dataclasses.replace(experiments.find_task("cifar10").recipe, **settings)


def accuracy(options) -> Found:
    import keras

    import keras_selfmodel as ksm

    for kind in ("generic", "singular"):
        for size in (1_000,) if options.small else (1_000, 10_000, 100_000):
            network = ksm.rlct.deep_linear_network(size, kind, 31)
            x, y = network.data(2_000 if options.small else 100_000, 31)
            few = {"num_draws": 20, "burn_in": 20} if options.small else {}
            loss = keras.losses.MeanSquaredError()
            exact = float(network.coefficient.value)
            yield f"{kind} {size}", {"exact": exact, **estimated(network.model(), x, y, 500, few, loss=loss)}


def grid(options) -> Found:
    from keras_selfmodel import experiments

    base = experiments.find_task("mnist").recipe
    hidden, seeds = ((16, 32), range(1, 3)) if options.small else ((64, 128, 256, 512), range(1, 11))
    if options.small:
        import dataclasses

        base = dataclasses.replace(base, epochs=2, rlct=dataclasses.replace(base.rlct, num_draws=20))
    recipes = experiments.grid(base, hidden=hidden, aux_weights=(0, 1, 5, 10, 20, 50), seeds=seeds)
    data = dataset("mnist", options.small)
    spent: dict[str, float] = {}
    start = time.perf_counter()
    last = [start]

    def step(job, part: str, done: int, total: int) -> None:
        now = time.perf_counter()
        spent[part] = spent.get(part, 0.0) + now - last[0]
        if now - last[0] > 1:
            print(f"{now - start:7.1f} s  {job.recipe.name}: {part} {done} of {total}", flush=True)
        last[0] = now

    plan = experiments.plan_sweep(recipes, data, options.out / "runs" / options.name)
    progress = experiments.SweepProgress(step=step)
    result = experiments.sweep(plan, data, together=True, progress=progress)
    counts = {"networks": len(result.results), "failed": len(result.failures)}
    yield "all", {**counts, "seconds": time.perf_counter() - start, "by part": spent}


def cifar_runs(options) -> Found:
    from keras_selfmodel.experiments import run

    for aux_weight in (0.0, 1.0):
        recipe = cifar_recipe(aux_weight=aux_weight, epochs=options.epochs, precision="mixed_bfloat16")
        start = time.perf_counter()
        folder = options.out / "runs" / f"{options.name}-aux{aux_weight:g}"
        result = run(recipe, dataset("cifar10", options.small), folder, resume=True)
        metrics = result.metrics
        yield (
            f"AW {aux_weight:g}",
            {
                "seconds": time.perf_counter() - start,
                "accuracy": metrics.accuracy,
                "weight_spread": metrics.weight_spread,
                "rlct": metrics.rlct.value,
                "std_error": metrics.rlct.std_error,
            },
        )


def dataset(name: str, small: bool):
    from keras_selfmodel.datasets import limited, load

    data = load(name)
    return limited(data, 1024) if small else data


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


MEASUREMENTS = {
    "epoch": epoch,
    "rlct": rlct,
    "cifar": cifar,
    "accuracy": accuracy,
    "grid": grid,
    "cifar-runs": cifar_runs,
}
