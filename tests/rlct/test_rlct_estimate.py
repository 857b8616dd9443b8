"""What an estimate says of made-up chains."""

import ast
import dataclasses
import json
import math
import os
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from keras_selfmodel.rlct import Descent, LocalizationProfile, RLCTEstimate, SamplingSettings, verdict
from keras_selfmodel.rlct.temperature import HotterEstimate

BURN_IN, DRAWS, NBETA = 100, 1000, 50.0


def estimate_of(
    excess,
    heat=0.0,
    chains=4,
    num_parameters=30,
    drift=0.0,
    early=0.0,
    gradient_term=0.0,
    acceptance=1.0,
    target_error=None,
    held=None,
    power=1.0,
    batch_size=8,
    **further,
) -> RLCTEstimate:
    """Chains of independent draws of nβ(L − L*) with a given mean and standard deviation 1."""
    rng = np.random.default_rng(0)
    shape = chains, BURN_IN + DRAWS
    draws = excess + rng.normal(size=shape) + drift * np.arange(chains)[:, None]
    draws[:, : BURN_IN // 2] += early
    return RLCTEstimate(
        settings=SamplingSettings(
            num_chains=chains, num_draws=DRAWS, burn_in=BURN_IN, batch_size=batch_size, target_error=target_error
        ),
        num_samples=200,
        num_parameters=num_parameters,
        inverse_temperature=NBETA,
        localization=1.0,
        initial_loss=0.1,
        losses=0.1 + draws / NBETA,
        reference_losses=np.full(shape, 0.1),
        heat=np.full(shape, heat),
        acceptance=np.full(shape, acceptance),
        # Quadratic in the directions that the loss holds; γ = 1 holds all others, whatever the loss.
        squares=(max(num_parameters - 2 * excess + heat, 0.0) if held is None else 2 * held)
        * (1 + 1e-3 * rng.normal(size=shape)),
        virial=2 * power * draws / NBETA,
        step_sizes=np.full(shape, 1e-4),
        gradient_evaluations=chains * (BURN_IN + DRAWS),
        distances=np.ones(chains),
        anchor_norm=1.0,
        gradient_term=gradient_term,
        **further,
    )


def test_value_and_errors_of_independent_draws():
    estimate = estimate_of(10.0, heat=4.0)
    # 4000 independent draws of standard deviation 1: four standard errors, and the errors' own spread over 40 parts.
    assert estimate.value == pytest.approx(8.0, abs=0.064)
    assert estimate.heat_correction == 2.0
    assert estimate.sampling_error == pytest.approx(1 / math.sqrt(4000), rel=0.4)
    parts = estimate.sampling_error, estimate.localization_error, 0.1, 0.02 * estimate.value
    assert estimate.std_error == pytest.approx(math.hypot(*parts))
    assert (estimate.verdict, estimate.warnings) == ("reliable", ())


@pytest.mark.parametrize(
    ("wrong", "verdict", "sentence"),
    [
        ({"excess": 10.0, "drift": 2.0}, "doubtful", "do not agree"),
        ({"excess": 10.0, "heat": 12.0}, "doubtful", "Take larger batches, or a smaller step size"),
        ({"excess": 10.0, "heat": 12.0, "batch_size": 200}, "doubtful", "the estimate. Take a smaller step size than"),
        (
            {"excess": 10.0, "heat": 24.0},
            "not to be used",
            r"negative \(−2.*12, exceeds the 9\.99 .*larger",
        ),
        ({"excess": 10.0, "heat": -1.0}, "doubtful", "had not settled"),
        ({"excess": 10.0, "heat": -40.0, "num_parameters": 100}, "not to be used", "had not settled"),
        ({"excess": 10.0, "chains": 1}, "doubtful", "One chain"),
        ({"excess": 10.0, "early": -15.0}, "doubtful", r"below that of w\*, by [45].*not a minimum"),
        (
            {"excess": 10.0, "gradient_term": 2.0},
            "doubtful",
            r"falls along its gradient at w\* by 2 .*anchor='descend'",
        ),
        ({"excess": 10.0, "acceptance": 0.1}, "doubtful", "Only 10% of the draws were accepted"),
        ({"excess": 10.0, "target_error": 1e-4}, "doubtful", r"0\.\d% of the estimate .* above the 0\.0% asked for"),
        ({"excess": 10.0, "held": 0.5}, "doubtful", r"too short for the directions .*: 4\.5 half-directions"),
        (
            {"excess": 1.0, "power": 2.0},
            "doubtful",
            r"not quadratic .*degeneracy 2\).*1/ln\(nβ\), here 0\.26: 200 samples",
        ),
        (
            {"excess": 10.0, "near": np.full((4, 10), 13.0)},
            "doubtful",
            r"Near w\* the loss holds at least 13 half-directions, .*stronger localization than 1,",
        ),
        (
            {"excess": 10.0, "curvatures": np.full(30, 100.0)},
            "doubtful",
            "Near w.* holds at least 15 half-directions",
        ),
        (
            {"excess": 10.0, "heated": np.full((4, 10), 13.0), "heated_anharmonic": np.full((4, 10), 3.0)},
            "doubtful",
            r"a quarter of nβ = 50 adds 3 ± .*200 samples are too few",
        ),
        ({"excess": 20.0}, "not to be used", "half the number of weights, 15"),
        ({"excess": -5.0}, "not to be used", "not a minimum"),
        ({"excess": math.nan}, "not to be used", "not finite"),
    ],
)
def test_verdict(wrong, verdict, sentence):
    estimate = estimate_of(**wrong)
    assert estimate.verdict == verdict
    assert re.search(sentence, " ".join(estimate.warnings))
    assert verdict in repr(estimate)


def test_an_estimate_is_saved_and_loaded_with_all_that_it_holds(tmp_path):
    column = np.array([3.0, 1.0])
    made = dataclasses.replace(
        estimate_of(10.0, heat=4.0),
        observed={"test data": np.ones((4, 7))},
        second=np.ones((4, 5)),
        descent=Descent(trained_loss=0.2, loss=0.1, distance=math.inf, steps=7),
        hotter=HotterEstimate(12.5, 9.0, 0.5, 100),
        profile=LocalizationProfile(*[column] * 6, 2.0, NBETA, 30, 8),
        loss="the squared error",
        doubts=("The labels are odd.",),
    )
    made.save(tmp_path / "estimate.npz")
    found = RLCTEstimate.load(tmp_path / "estimate.npz")
    np.testing.assert_equal(dataclasses.asdict(found), dataclasses.asdict(made))
    for one in (field.name for field in dataclasses.fields(made)):
        assert type(getattr(found, one)) is type(getattr(made, one)), one
    assert repr(found) == repr(made) and found.warnings == made.warnings
    assert found.to_dict() == made.to_dict()


def test_a_hotter_estimate_of_one_chain_has_no_error_in_the_advice():
    hotter = HotterEstimate(12.5, 1234.4, math.nan, 100)
    (said,) = [text for text in dataclasses.replace(estimate_of(-5.0), hotter=hotter).warnings if "nβ = 12.5" in text]
    assert "short chains give 1230 (inverse_temperature='auto')" in said


def test_the_dictionary_of_an_estimate_is_json(tmp_path):
    estimate = estimate_of(-5.0, chains=1)
    found = json.loads(json.dumps(estimate.to_dict(), allow_nan=False))
    assert found["value"] == pytest.approx(estimate.value) and found["verdict"] == "not to be used"
    assert found["std_error"] is None and len(found["warnings"]) == len(estimate.warnings)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("cut", "holds no RLCT estimate that can be read ("),
        ("text", "holds no RLCT estimate that can be read ("),
        ("encrypted", "holds no RLCT estimate that can be read (File 'header.npy' is encrypted"),
        ("shape", "holds no RLCT estimate that can be read (Python int too large"),
        ("pipe", "holds no RLCT estimate that can be read (it is a pipe, a socket or a device, not a file)"),
        ("trace", "is damaged: losses, reference_losses, heat,"),
        ("number", "is damaged: num_samples must be a whole number. Received: an array of shape (3,)."),
        ("array", "is damaged: losses must be an array of numbers. Received: 1.0."),
        ("missing", "is damaged: anchor_norm is missing."),
        ("part", "is damaged: descent/trained_loss is missing."),
        ("settings", "is damaged: settings: num_chains must be a whole number from 1"),
        ("other", "is damaged: secret is unknown."),
        ("format", "is damaged: format must be 1. Received: 9."),
    ],
)
def test_a_file_that_holds_no_estimate_is_named_with_what_is_wrong(tmp_path, damage, said):
    file = tmp_path / "estimate.npz"
    estimate_of(10.0).save(file)
    with np.load(file) as stored:
        content = dict(stored)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:500])
    elif damage == "text":
        file.write_text("no archive")
    elif damage == "encrypted":
        # A bit in the header of each entry, and of each in the list of entries.
        archive = bytearray(file.read_bytes())
        for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            for found in re.finditer(re.escape(signature), bytes(archive)):
                archive[found.start() + flags] |= 1
        file.write_bytes(archive)
    elif damage == "shape":
        with zipfile.ZipFile(file, "w") as archive, archive.open("losses.npy", "w") as entry:
            np.lib.format.write_array_header_1_0(entry, {"descr": "<f4", "fortran_order": False, "shape": (2**70,)})
    elif damage == "pipe":
        file.unlink()
        os.mkfifo(file)
    else:
        header = json.loads(content["header"].tobytes())
        header["settings"]["num_chains"] = 0 if damage == "settings" else 4
        header["format"] = 9 if damage == "format" else 1
        content |= {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)}
        changes = {"trace": "heat", "other": "secret", "number": "num_samples"}
        content |= {changes[damage]: np.zeros(3)} if damage in changes else {}
        content |= {"losses": np.array(1.0)} if damage == "array" else {}
        content |= {"descent/steps": np.array(3)} if damage == "part" else {}
        if damage == "missing":
            del content["anchor_norm"]
        np.savez(file, **content)
    with pytest.raises(ValueError, match=re.escape(f"estimate.npz {said}")):
        RLCTEstimate.load(file)
    with pytest.raises(FileNotFoundError):
        RLCTEstimate.load(tmp_path / "elsewhere.npz")


@pytest.mark.parametrize("excess", [10.0, -5.0, math.nan])
def test_a_notebook_shows_value_verdict_objections_and_chains(excess):
    estimate = estimate_of(excess)
    page = ElementTree.fromstring(estimate._repr_html_().replace("<br>", "<br/>"))
    text = "".join(page.itertext())
    shown = "not a number" if math.isnan(excess) else f"{estimate.value:.4g}".replace("-", "−")
    assert f"RLCT {shown} " in text and estimate.verdict in text
    assert [one.text for one in page.iter("li")] == list(estimate.warnings)
    assert len(list(page.iter("polyline"))) == (0 if math.isnan(excess) else 4)


def test_bars_reach_what_near_weights_and_a_higher_temperature_say():
    reached = estimate_of(10.0, near=np.full((4, 10), 11.0), curvatures=np.zeros(30))
    assert 1.96 * reached.departure_error == pytest.approx(11 - reached.value)
    assert reached.verdict == "reliable" and reached.std_error > reached.departure_error
    below = {"near": np.full((4, 10), 9.0), "curvatures": np.r_[np.full(16, 1.0), np.zeros(14)]}
    # nβ = 50, γ = 1: 16 directions hold ½ · 50/51 each.
    assert estimate_of(10.0, **below).quadratic_value == pytest.approx(8 * 50 / 51)
    assert estimate_of(10.0, **below).departure_error == 0
    # A change of the value alone is that of directions which do not follow the temperature.
    slow = estimate_of(10.0, heated=np.full((4, 10), 8.0), heated_anharmonic=np.zeros((4, 10)))
    assert slow.temperature_error < 0.05
    assert slow.verdict == "reliable"


def test_advice_that_names_an_argument_can_be_said_without_it():
    """What is a bare name in parentheses would reach people who have no such argument, such as those of `ksm run`."""
    names = "|".join(field.name for field in dataclasses.fields(SamplingSettings))
    for file in Path(verdict.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                text = "".join(part.value for part in node.values if isinstance(part, ast.Constant))
                assert not re.search(rf" \(({names})\)", text), f"{file.name}, line {node.lineno}: {text}"
