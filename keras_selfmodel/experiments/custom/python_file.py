"""A function in a user's Python file."""

import contextlib
import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from keras_selfmodel._registered_rooms import import_registered_rooms
from keras_selfmodel._whole_files import why_no_file
from keras_selfmodel.experiments.custom.recipe_file_error import RecipeFileError

# By path and digest: a file that both the data and the network come from runs once.
_modules: dict[tuple[str, str], ModuleType] = {}


@dataclass(frozen=True)
class PythonFunction:
    """A function of a file, run when first needed.

    Attributes:
        file: The Python file.
        name: The function's name.
        digest: SHA-256 (hex) of the file as it was when this was made. What it imports from elsewhere is not in it.
    """

    file: Path
    name: str
    digest: str

    @classmethod
    def named(cls, where: str, text: str, folder: Path) -> "PythonFunction":
        """The function that a recipe file names.

        Args:
            where: Where in the recipe file, for the error.
            text: Such as "my_file.py:load".
            folder: What the file's path is relative to.

        Raises:
            RecipeFileError: If the text names no function of a file, or the file does not exist.
        """
        path, colon, name = text.rpartition(":")
        if not (colon and path.endswith(".py") and name.isidentifier()):
            raise RecipeFileError(
                f"{where} must name a function of a file, such as 'my_file.py:load'. Received: {text!r}"
            )
        file = folder / path
        lack = why_no_file(file)
        if lack:
            raise RecipeFileError(f"{where}: {lack}.")
        return cls(file, name, hashlib.sha256(file.read_bytes()).hexdigest())

    def __str__(self) -> str:
        return f"{self.file.name}:{self.name}"

    @cached_property
    def function(self) -> Callable:
        """The function itself.

        Raises:
            RecipeFileError: If the file raises, changed, or has no such function.
        """
        module = _module(self.file, self.digest)
        found = getattr(module, self.name, None)
        if not callable(found):
            functions = [key for key, value in vars(module).items() if inspect.isfunction(value) and key[0] != "_"]
            raise RecipeFileError(
                f"{self.file} has no function {self.name!r}. It has: {', '.join(functions) or 'none'}."
            )
        return found

    def accepts(self, argument: str) -> bool:
        """Whether it takes a keyword argument of that name."""
        parameters = inspect.signature(self.function).parameters
        if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            return True
        return argument in parameters and parameters[argument].kind is not inspect.Parameter.POSITIONAL_ONLY

    def default(self, argument: str) -> Any:
        """The default of a keyword argument, or `None` if it has none."""
        found = inspect.signature(self.function).parameters.get(argument)
        return None if found is None or found.default is found.empty else found.default

    def __call__(self, **arguments: Any) -> Any:
        """Calls it with those of the arguments that it takes.

        Raises:
            RecipeFileError: If it raises, or needs other arguments.
        """
        accepted = {key: value for key, value in arguments.items() if self.accepts(key)}
        try:
            inspect.signature(self.function).bind(**accepted)
        except TypeError as error:
            offered = f"It can take: {', '.join(arguments)}" if arguments else "It is called without arguments"
            raise RecipeFileError(f"{self} in {self.file} cannot be called: {error}. {offered}.") from error
        with _spoken_of(self.file, f"{self.name}()"):
            return self.function(**accepted)


def _module(file: Path, digest: str) -> ModuleType:
    key = (str(file.resolve()), digest)
    if key in _modules:
        return _modules[key]
    source = file.read_bytes()
    if hashlib.sha256(source).hexdigest() != digest:
        raise RecipeFileError(f"{file} changed while it was in use. Start again.")
    import_registered_rooms()  # Before a file that may import Keras, or load a network of the package's classes.
    # Under this name Keras finds the file's own layers in a saved model.
    spec = importlib.util.spec_from_file_location(f"ksm_recipe_{file.stem}", file)
    if spec is None:
        raise RecipeFileError(f"{file} cannot be loaded as Python. Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module
    # As Python does with a program: files beside it can be imported.
    sys.path.insert(0, str(file.resolve().parent))
    try:
        with _spoken_of(file, "it"):
            # Not the loader's exec_module, which trusts a cached .pyc of the same second.
            exec(compile(source, str(file), "exec"), vars(module))  # noqa: S102
    except BaseException:
        if before is None:
            del sys.modules[module.__name__]
        else:
            sys.modules[module.__name__] = before
        raise
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(file.resolve().parent))
    return _modules.setdefault(key, module)


@contextlib.contextmanager
def _spoken_of(file: Path, what: str) -> Any:
    """Turns what the user's code raises into a sentence with the line; what it prints goes to standard error."""
    try:
        # Standard output is for results, which programs read.
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except (KeyboardInterrupt, MemoryError, RecipeFileError):
        raise
    except BaseException as error:  # SystemExit too
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        line = error.lineno if isinstance(error, SyntaxError) and error.filename == str(file) else None
        line = lines[-1] if line is None and lines else line
        place = f"{file}, line {line}" if line else str(file)
        raise RecipeFileError(f"{place}: {what} raised {type(error).__name__}: {error}") from error
