"""The chains of several networks moved by one program."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, TypeVar

from keras_selfmodel import transforms
from keras_selfmodel.rlct.chains import Chains
from keras_selfmodel.rlct.conventions import SamplingSettings
from keras_selfmodel.rlct.stepwise import Request, Stepwise

Result = TypeVar("Result")


def can_be_sampled_together(settings: SamplingSettings) -> bool:
    """Whether one program can move the chains of several networks by such settings.

    Networks must have nothing of their own but weights, variables that change along a chain, batches and seeds. The
    paper's convention leaves no more: its step size is given, and its networks are in training mode.
    """
    return settings.convention == "paper" and settings.chains_at_once is None


def together(several: Sequence[Stepwise[Result]]) -> list[Result]:
    """Does what is asked for by several samplings, by one program where they ask for as many steps.

    Args:
        several: What `Problem.estimating` returned, for networks of one architecture that share one set of data (each
            in its own order) and settings that differ in the seed alone.

    Returns:
        The results, each as `chains.alone` would have returned it but for the order of additions.
    """
    results: dict[int, Result] = {}
    # A generator is started by None, which its type does not say.
    traces: dict[int, Any] = dict.fromkeys(range(len(several)))
    with transforms.float32_products():
        while traces:
            asked: dict[tuple, dict[int, Request]] = defaultdict(dict)
            for number, trace in traces.items():
                try:
                    request = several[number].send(trace)
                except StopIteration as end:
                    results[number] = end.value
                else:
                    asked[request.indices.shape][number] = request
            traces = {}
            for requests in asked.values():
                traces |= zip(requests, Chains.run_together(list(requests.values())), strict=True)
    return [results[number] for number in range(len(several))]
