"""The chains of an estimate for ArviZ: an `arviz.InferenceData`, from ArviZ 1 on an `xarray.DataTree`."""

import dataclasses
import io
import math
import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_selfmodel._installation import needed
from keras_selfmodel._whole_files import write_whole

if TYPE_CHECKING:
    from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate


def as_inference_data(estimate: "RLCTEstimate") -> Any:
    """The chains for the plots and diagnostics of ArviZ.

    Args:
        estimate: An `RLCTEstimate`.

    Returns:
        An `arviz.InferenceData`, from ArviZ 1 on an `xarray.DataTree` of the same groups: `posterior["rlct"]` holds
        what each draw says of the RLCT, the heat taken off, `sample_stats` the losses, heat, acceptance, |w − w*|² and
        step sizes of the draws; settings and result are its attributes; the burn-in, if there is any, is in
        `warmup_posterior` and `warmup_sample_stats`.
    """
    burn_in = estimate.settings.burn_in

    def statistics(part) -> dict:
        names = {"loss": estimate.losses, "reference_loss": estimate.reference_losses, "heat": estimate.heat}
        names |= {"acceptance_rate": estimate.acceptance, "step_size": estimate.step_sizes}
        names |= {"squared_distance": estimate.squares, "virial": estimate.virial}
        return {name: part(trace) for name, trace in names.items()}

    groups = {
        "posterior": {"rlct": estimate.corrected},
        "sample_stats": statistics(estimate.kept),
    }
    if burn_in:  # ArviZ warns of groups without draws.
        groups["warmup_posterior"] = {"rlct": estimate.excess[:, :burn_in] - 0.5 * estimate.heat[:, :burn_in]}
        groups["warmup_sample_stats"] = statistics(lambda trace: trace[:, :burn_in])
    arviz = arviz_for("to_inference_data")
    # Version 1 takes the groups as one dictionary, and attributes of groups alone.
    if arviz.__version__.startswith("0."):
        found = arviz.from_dict(**groups, save_warmup=burn_in > 0)
    else:
        found = arviz.from_dict(groups, save_warmup=burn_in > 0)
    settings = {
        f"setting_{name}": int(value) if isinstance(value, bool) else value  # netCDF knows no truth values
        for name, value in dataclasses.asdict(estimate.settings).items()
        if value is not None
    }
    found.attrs.update(settings | _summarized(estimate))
    return found


def write_netcdf(estimate: "RLCTEstimate", file: Path) -> None:
    """Writes the chains as netCDF, as `arviz.from_netcdf` reads them.

    They are put together in memory: HDF5 ends some programs where a disk is full.

    Args:
        estimate: An `RLCTEstimate`.
        file: The file. Its folder is created.

    Raises:
        OSError: If it cannot be written; it names the file.
    """
    found = estimate.to_inference_data()
    import h5netcdf
    import xarray
    from xarray.backends import H5NetCDFStore

    content = io.BytesIO()
    with h5netcdf.File(content, "w") as whole:
        xarray.Dataset(attrs=found.attrs).dump_to_store(H5NetCDFStore(whole, group="/", mode="a"))
        for group in found.children if hasattr(found, "children") else found.groups():
            part = found[group]
            part = part.to_dataset() if hasattr(part, "to_dataset") else part  # ArviZ 1, ArviZ 0
            part.dump_to_store(H5NetCDFStore(whole, group=f"/{group}", mode="a"))
    write_whole(file, lambda part: part.write_bytes(content.getbuffer()))


def _summarized(estimate: "RLCTEstimate") -> dict[str, Any]:
    """What `metrics.json` holds of an estimate, as netCDF can: numbers, texts and lists of them, nothing empty."""
    settings = {field.name for field in dataclasses.fields(estimate.settings)} - {"inverse_temperature", "localization"}
    found = {}
    for name, value in estimate.to_dict().items():
        if name in settings or value is None or value == []:
            continue
        found[name] = [math.nan if one is None else one for one in value] if isinstance(value, list) else value
    return found


def effective_draws(draws: np.ndarray) -> float:
    """The effective number of independent draws (bulk); NaN if draws are not finite, or too few."""
    if not np.isfinite(draws).all() or draws.shape[1] < 4:
        return math.nan
    return float(arviz_for("ess").ess(draws))


def arviz_for(use: str) -> ModuleType:
    """The module `arviz`, or what to install."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # ArviZ announces its next major version on import.
        return needed("arviz", use)
