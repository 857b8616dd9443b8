"""What is called in the end, inside partial functions, compilers and other wrappers, whichever library wrote them.

Relied on: that wrappers have what they wrap as `__wrapped__`, as `functools.wraps` sets it; that what `torch.compile`
returns for a module has it as `_orig_mod`; that a function of TorchScript has the Python function it was made of as
`_torchdynamo_inline`; that the modules of PyTorch which run another one on several devices have it as `module`; that
what JAX's `vmap` returns wraps a function of JAX, in whose closure the user's is `fun`. No library is imported here:
losses of PyTorch are also looked at where another backend runs.
"""

import inspect
from typing import Any, NamedTuple


class Innermost(NamedTuple):
    """A function, module or other object without what it was wrapped in.

    Attributes:
        function: What is called in the end.
        args, keywords: The arguments that partial functions pass to it, the outer ones over the inner ones.
        wrappers: What else stands around it, the outermost first.
    """

    function: Any
    args: tuple
    keywords: dict[str, Any]
    wrappers: tuple


def innermost(function: Any) -> Innermost:
    """Takes partial functions, bound `__call__`s and wrappers away, nested in any order and depth.

    Example:

    >>> import functools
    >>> rounded = functools.wraps(round)(lambda *args, **keywords: round(*args, **keywords))
    >>> innermost(functools.partial(functools.partial(rounded, ndigits=1).__call__, ndigits=2))[:3]
    (<built-in function round>, (), {'ndigits': 2})
    """
    args: tuple = ()
    keywords: dict[str, Any] = {}
    wrappers: list = []
    # A wrapper may have itself inside.
    seen: list = []
    while not any(function is one for one in seen):
        seen.append(function)
        if _is_partial(function):
            args, keywords = (*function.args, *args), {**function.keywords, **keywords}
            function = function.func
            continue
        inside = _inside(function)
        if inside is None:
            break
        if not _is_call(function):
            wrappers.append(function)
        function = inside
    return Innermost(function, args, keywords, tuple(wrappers))


def uncompiled(module: Any) -> Any:
    """The module inside what `torch.compile` returns; anything else itself."""
    return getattr(module, "_orig_mod", module)


def library(function: Any) -> str:
    """The library that a function or object is of; of a bound method that of its object, or of its class."""
    if inspect.ismethod(function):
        holder = function.__self__
        function = holder if isinstance(holder, type) else type(holder)
    return str(getattr(function, "__module__", None) or type(function).__module__).partition(".")[0]


def first_two(function: Any) -> list[str] | None:
    """Names of the first two positional arguments; `None` if they are not known, as of `*args`."""
    try:
        parameters = inspect.signature(function, follow_wrapped=False).parameters.values()
    except (TypeError, ValueError):
        return None
    found = [one for one in parameters if one.kind not in (one.KEYWORD_ONLY, one.VAR_KEYWORD)][:2]
    return None if any(one.kind is one.VAR_POSITIONAL for one in found) else [one.name for one in found]


def author(wrapper: Any) -> str:
    """The module whose code a wrapper runs; `__module__` may be that of what it wraps."""
    return str(getattr(wrapper, "__globals__", {}).get("__name__") or type(wrapper).__module__)


def _is_partial(function: Any) -> bool:
    """Whether arguments are kept with a function: by Python, JAX or Equinox, which have classes of their own."""
    return callable(function) and all(hasattr(function, name) for name in ("func", "args", "keywords"))


def _is_call(function: Any) -> bool:
    """Whether this is an object's `__call__`, or the `forward` that PyTorch's modules define instead."""
    holder = getattr(function, "__self__", None)
    # By their values: the same method is another object whenever it is asked for.
    return holder is not None and any(function == getattr(holder, name, None) for name in ("__call__", "forward"))


def _inside(function: Any) -> Any:
    """What a function calls instead of computing anything itself; `None` if nothing is known."""
    if isinstance(function, type):
        return None
    if hasattr(function, "__self__"):  # First, as a bound method has the `__wrapped__` of its function.
        return function.__self__ if _is_call(function) else None
    if getattr(function, "__wrapped__", None) is not None:
        return function.__wrapped__
    if inspect.isfunction(function) and library(function) == "jax":
        return inspect.getclosurevars(function).nonlocals.get("fun")
    made_by = type(function).__module__
    if made_by.startswith("torch.nn.parallel."):
        return getattr(function, "module", None)
    if made_by.startswith("torch."):
        inside = uncompiled(function)
        return getattr(function, "_torchdynamo_inline", None) if inside is function else inside
    return None
