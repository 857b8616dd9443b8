"""The program `ksm`: its commands, and the one place where errors become text and exit codes."""

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ksm_cli.arguments_as_options import in_options
from ksm_cli.backend import version
from ksm_cli.commands.compare import compare_command
from ksm_cli.commands.completion import completion_command
from ksm_cli.commands.compress import compress_command
from ksm_cli.commands.controls import controls_command
from ksm_cli.commands.data import data_command
from ksm_cli.commands.doctor import doctor_command
from ksm_cli.commands.identity import identity_command
from ksm_cli.commands.observer import observer_command
from ksm_cli.commands.plot import plot_command
from ksm_cli.commands.report import report_command
from ksm_cli.commands.rlct import rlct_command
from ksm_cli.commands.run import run_command
from ksm_cli.commands.runs import runs_command
from ksm_cli.commands.sweep import sweep_command
from ksm_cli.commands.tune import tune_command
from ksm_cli.output import Interrupted, printable
from ksm_cli.streams import drop_what_cannot_be_written, never_fail
from ksm_cli.variables import check_variables, naming_its_variable, said_of_variables, set_by_variables

# What bad input, a full disk or a missing package raises; anything else is a defect of the program.
EXPECTED = (ArithmeticError, ImportError, MemoryError, OSError, RuntimeError, ValueError)

# Where the context of the command that runs is kept, in the program's own context.
RUNNING_CONTEXT = "ksm_cli.running_context"

# Sent by a job scheduler or `kill`, and by a terminal that is closed.
ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Signals that ask the program to end are KeyboardInterrupts inside; those that are ignored (`nohup`) stay so."""

    def interrupt(*_) -> None:
        raise KeyboardInterrupt

    def unraised(event) -> None:
        if not issubclass(event.exc_type, KeyboardInterrupt):
            return reported(event)
        # The signal came where Python drops exceptions, such as in JAX's callback of the garbage collector.
        again = next(one for one in (signal.SIGINT, *ENDING) if callable(signal.getsignal(one)))
        threading.Timer(0.1, signal.raise_signal, [again]).start()

    changed = {one: signal.signal(one, interrupt) for one in ENDING if signal.getsignal(one) is signal.SIG_DFL}
    reported, sys.unraisablehook = sys.unraisablehook, unraised
    try:
        yield
    finally:
        sys.unraisablehook = reported
        for one, before in changed.items():
            signal.signal(one, before)


class ContextKeptForErrors(click.Context):
    """The context of a command, whose options an error is spoken of in that has left the command."""

    def __enter__(self) -> "ContextKeptForErrors":
        self.meta[RUNNING_CONTEXT] = self
        super().__enter__()
        return self

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        check_variables(self)
        return super().invoke(*args, **kwargs)


class Program(click.Group):
    """A group whose commands end in a sentence and an exit code, not in a traceback."""

    interrupted = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except SystemExit as end:
            drop_what_cannot_be_written()
            if self.interrupted:
                # JAX 0.10 often crashes while the interpreter shuts down after its compiled code was interrupted.
                os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))
            raise

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        if os.environ.get("NO_COLOR"):  # https://no-color.org; rich obeys it by itself
            kwargs.setdefault("color", False)
        never_fail()
        try:
            return super().make_context(*args, **kwargs)
        except BrokenPipeError:
            raise click.exceptions.Exit(1) from None
        except OSError as error:  # the program's own help and version are printed here
            if os.environ.get("KSM_DEBUG"):
                raise
            raise click.ClickException(printable(said(error))) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with ended_like_ctrl_c():
                return super().invoke(ctx)
        except Interrupted:
            self.interrupted = True
            raise
        except click.ClickException as error:
            # Made anew, because click declares its message final. Paths in it may hold escape sequences.
            click.ClickException.__init__(error, printable(error.message))
            if isinstance(error, click.BadParameter):
                raise naming_its_variable(error) from error.__cause__
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            self.interrupted = True
            raise Interrupted from None
        except BrokenPipeError:
            raise click.exceptions.Exit(1) from None
        except EXPECTED as error:
            if os.environ.get("KSM_DEBUG") or ctx.params.get("verbose"):
                raise
            sentence = printable(in_options(said(error), ctx.meta.get(RUNNING_CONTEXT)))
            raise click.ClickException(sentence or type(error).__name__) from error


def said(error: Exception) -> str:
    """The sentence of an error; the operating system's without its number, and with what to do about it."""
    if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
        limits = "its limit on memory (ulimit -v) or on processes (ulimit -u) is reached"
        return f"The system starts no further thread: {limits}. Raise it, then {going_on()}."
    if not isinstance(error, OSError) or error.strerror is None or error.errno is None:
        return str(error)
    advice = _advice(error)
    if error.filename is None:
        return f"{error.strerror}.{advice}" if advice else str(error)
    return f"{error.filename}: {error.strerror}.{advice}"


def _advice(error: OSError) -> str:
    """What to do where a file cannot be written; nothing for other errors."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):  # Windows knows no quota
        return f" Make room, then {going_on()}."
    if error.errno == errno.EFBIG:
        return f" Raise the limit on the size of files (ulimit -f), then {going_on()}."
    if error.errno == errno.EISDIR:
        return f" Remove or rename this folder, then {going_on()}."
    context = click.get_current_context(silent=True)
    running = context and context.meta.get(RUNNING_CONTEXT)
    if running is None or not isinstance(error.filename, str):
        return ""
    with_out = any(option.name == "out" for option in running.command.params)
    if with_out and _follows(Path(error.filename), running.params.get("out")) and _is_protected(Path(error.filename)):
        return " Choose another place with --out."
    return ""


def _follows(file: Path, out: Path | None) -> bool:
    """Whether a file lies elsewhere with another --out: not so what is kept in the folders of runs."""
    return out is None or file.absolute().is_relative_to(out.absolute()) or file.parent == out.parent


def _is_protected(file: Path) -> bool:
    """Whether a file is missing where none can be made, such as on a disk that can only be read."""
    try:
        there = next(one for one in file.absolute().parents if one.is_dir())
        return not file.exists() and not os.access(there, os.W_OK)
    except OSError:  # It may not even be looked at, or its name is too long.
        return False


def going_on() -> str:
    """How to go on with the command that is running; ksm run takes up what it has begun only if told to."""
    context = click.get_current_context(silent=True)
    resumes = context is not None and context.meta.get(RUNNING_CONTEXT, context).info_name == "run"
    return "repeat the command with --resume" if resumes else "repeat the command"


@click.group(
    cls=Program,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 80,
    },
    epilog="Example: ksm run mnist --backend jax --aux-weight 10",
)
@click.version_option(version, prog_name="ksm")
@click.option(
    "--verbose",
    "-v",
    is_flag=True,
    help="Print more progress lines if the output is not a terminal, and the traceback of an error.",
)
def main(verbose: bool) -> None:
    """Train networks that predict their own activations, and measure what that
    does to their complexity.

    Every option can be set by an environment variable, such as KSM_RUN_EPOCHS=10
    for ksm run --epochs 10. KSM_DEBUG=1 shows the traceback of an error; KSM_CACHE_DIR
    sets the cache folder.
    """


set_by_variables(main, "KSM")
for command in (
    run_command,
    sweep_command,
    controls_command,
    tune_command,
    compare_command,
    runs_command,
    plot_command,
    report_command,
    identity_command,
    observer_command,
    compress_command,
    rlct_command,
    data_command,
    doctor_command,
    completion_command,
):
    main.add_command(command)
    command.context_class = ContextKeptForErrors
    set_by_variables(command, f"KSM_{command.name}")
    command.epilog = f"{command.epilog}\n\n{said_of_variables(command)}".rstrip()
