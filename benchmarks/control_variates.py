"""Where a control variate for the gradient pays: error of the RLCT for the same number of gradients.

    KERAS_BACKEND=jax python -m benchmarks control_variates --repeats 12

A deep linear network with known RLCT, sampled with and without the control variate (`control_variate=True` takes the
gradient of each batch at w* off its gradient and adds that of all data: two gradients a step instead of one). Without
it twice the steps are drawn, burn-in included, so that both cost the same. One row for each sampler, localization γ and
batch size: bias and standard deviation of the estimate over the repeats, relative to λ, and the ratio of the root mean
square errors, below 1 where the control variate pays.
"""

import argparse
import itertools
import warnings

import keras
import numpy as np

import keras_selfmodel as ksm

SAMPLES = 100_000


def errors(model, data, exact: float, repeats: int, *, control_variate: bool, draws: int, **settings) -> np.ndarray:
    """Relative errors of repeated estimates."""
    work = 1 if control_variate else 2
    values = [
        ksm.estimate_rlct(
            model,
            data,
            loss=keras.losses.MeanSquaredError(),
            num_draws=work * draws,
            burn_in=work * draws,
            num_chains=2,
            control_variate=control_variate,
            seed=seed,
            **settings,
        ).value
        for seed in range(repeats)
    ]
    return np.array(values) / exact - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--draws", type=int, default=500, help="With the control variate; burn-in is as long.")
    parser.add_argument("--weights", type=int, default=1000)
    parser.add_argument("--samplers", nargs="+", default=["sgld", "underdamped"])
    options = parser.parse_args()
    warnings.simplefilter("ignore", ksm.rlct.RLCTWarning)
    network = ksm.rlct.deep_linear_network(options.weights, "generic", 1)
    data, exact = network.data(SAMPLES, 1), float(network.coefficient.value)
    model = network.model()
    print(f"{keras.config.backend()}, {network.num_parameters} weights, exact {exact:.1f}, {SAMPLES} samples")
    print("sampler       localization  batch   without: bias, std   with: bias, std   error with / without")
    for sampler, localization, batch in itertools.product(options.samplers, (1.0, 100.0, 10_000.0), (32, 512)):
        without, with_it = (
            errors(
                *(model, data, exact, options.repeats),
                control_variate=use,
                draws=options.draws,
                sampler=sampler,
                localization=localization,
                batch_size=batch,
            )
            for use in (False, True)
        )
        ratio = np.sqrt(np.mean(with_it**2) / np.mean(without**2))
        print(
            f"{sampler:<12} {localization:>13g} {batch:>6}   {without.mean():>+9.3f} {without.std():>9.3f}"
            f"   {with_it.mean():>+7.3f} {with_it.std():>7.3f} {ratio:>12.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
