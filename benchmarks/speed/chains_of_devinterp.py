"""The chains of devinterp, which runs on PyTorch."""

import time

import numpy as np

from speed.problems import Problem
from speed.settling import Chains

BATCHES_OF_L0 = 10  # as many as its default number of chains


class Devinterp:
    """The same network in PyTorch, sampled by devinterp."""

    def __init__(self, problem: Problem, step_size: float, localization: float) -> None:
        import torch

        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        layers = []
        for layer in problem.model.layers:
            kernel, bias = layer.get_weights()
            linear = torch.nn.Linear(*kernel.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.tensor(kernel.T))
                linear.bias.copy_(torch.tensor(bias))
            layers += [linear, torch.nn.ReLU()]
        self._model = torch.nn.Sequential(*layers[:-1]).to(self._device)
        self._loader = torch.utils.data.DataLoader(
            _Whole(torch.tensor(problem.x), torch.tensor(problem.y).long()),
            batch_size=problem.batch,
            shuffle=True,
            collate_fn=_as_it_is,
        )
        self._nbeta = problem.inverse_temperature
        self._optimizer = {"lr": step_size, "localization": localization, "nbeta": self._nbeta}

    def evaluate(self, model, batch):
        from torch.nn import functional

        return functional.cross_entropy(model(batch[0]), batch[1])

    def run(self, seed: int, steps: int, chains: int) -> Chains:
        import torch
        from devinterp.optim.sgld import SGLD
        from devinterp.slt.callback import SamplerCallback
        from devinterp.slt.sampler import sample
        from devinterp.utils import get_init_loss_full_batch, get_init_loss_multi_batch

        losses, stamps = [[] for _ in range(chains)], [[] for _ in range(chains)]

        class Record(SamplerCallback):
            def __call__(self, chain, loss, **_):
                losses[chain].append(float(loss))
                stamps[chain].append(time.perf_counter())

            def get_results(self):
                return {}

        # Without a seed of its own: with one, its batches for L₀ are the first in the order of the data.
        torch.manual_seed(seed)
        start = time.perf_counter()
        # What `sample` does itself if given no `init_loss`.
        few = get_init_loss_multi_batch(self._loader, BATCHES_OF_L0, self._model, self.evaluate, self._device)
        sample(
            self._model,
            self._loader,
            callbacks=[Record(device=self._device)],
            evaluate=self.evaluate,
            sampling_method=SGLD,
            optimizer_kwargs=dict(self._optimizer),
            num_draws=steps,
            num_chains=chains,
            init_loss=few,
            device=self._device,
            verbose=False,
        )
        elapsed = time.perf_counter() - start
        seconds = sum(s[-1] - s[0] for s in stamps) / (steps - 1)
        whole = get_init_loss_full_batch(self._loader, self._model, self.evaluate, self._device)
        return Chains(
            trace=self._nbeta * np.mean(losses, axis=0),
            offsets={"L₀ of 10 batches": self._nbeta * few, "L₀ of all data": self._nbeta * whole},
            seconds=seconds,
            start=elapsed - seconds * steps,
        )


class _Whole:
    """A data set whose batches are indexed at once."""

    def __init__(self, *tensors) -> None:
        self._tensors = tensors

    def __len__(self) -> int:
        return len(self._tensors[0])

    def __getitems__(self, indices: list[int]) -> list:
        return [tensor[indices] for tensor in self._tensors]


def _as_it_is(batch):
    return batch
