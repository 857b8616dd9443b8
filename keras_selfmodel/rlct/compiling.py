"""The steps of all chains as one compiled function."""

from collections.abc import Callable

from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.rlct.energy import Energy
from keras_selfmodel.rlct.samplers import Position, Sampler
from keras_selfmodel.rlct.samplers.sampler import products, total, total_squares


def compiled_steps(energy: Energy, sampler: Sampler, name: str, *, corrected: bool, several: bool = False) -> Callable:
    """Compiles `(state, indices, anchor, …, step_size, friction) -> (state, trace (steps, 5, chains))`.

    Args:
        energy: The loss.
        sampler: What takes the steps.
        name: Its name.
        corrected: Whether the gradient is corrected by that at w* (the control variate).
        several: Whether the chains are those of several networks: each has its own w*, and each network a key.
    """
    normals = transforms.normals_of_each if several else transforms.normals
    differentiate = transforms.value_and_grad(energy.batch_loss)

    def gradient(weights, other, index, anchor, full_gradient, context):
        (loss, (moved, _)), gradients = differentiate(weights, other, context, index)
        if full_gradient:
            _, at_anchor = differentiate(anchor, other, context, index)
            gradients = [g - a + f for g, a, f in zip(gradients, at_anchor, full_gradient, strict=True)]
        return loss, gradients, moved

    all_gradients = transforms.map_chains(gradient, separately=energy.separately)

    def run(state, indices, anchor, full_gradient, context, nbeta, localization, step_size, friction):
        shared = (anchor if full_gradient else [], full_gradient, context)

        def squares_of(weights):
            return sum(total_squares(w - a) for w, a in zip(weights, anchor, strict=True))

        def step(state, index):
            weights, carried, other, key = state
            losses, gradients, other = all_gradients(weights, other, index, shared=shared)
            key, drawn = normals(key, [*weights, losses])

            def force(i: int):
                pulled = transforms.add_scaled_in_place(-nbeta * gradients[i], -localization, weights[i])
                return transforms.add_scaled_in_place(pulled, localization, anchor[i])

            def potential():
                squares = sum(total(ops.square(w - a)) for w, a in zip(weights, anchor, strict=True))
                return nbeta * losses + 0.5 * localization * squares

            here = Position(weights, losses, gradients, force, potential, nbeta)
            # Before the step, which may use their memory again; where draws can be rejected, the draw is known after.
            squares = squares_of(weights)
            virial = sum(products(w - a, g) for w, a, g in zip(weights, anchor, gradients, strict=True))
            moved, carried, *trace = sampler.step(here, carried, drawn, step_size, friction)
            if sampler.acceptance is not None:
                squares, virial = squares_of(sampler.drawn(moved, carried)), float("nan") * virial
            return (moved, carried, other, key), ops.stack([*trace, squares, virial])

        return transforms.scan(step, state, indices)

    return energy.program(("chains", several, name, corrected), lambda: run)
