"""Samplings that are interrupted, continued, split into blocks, stopped early and looked at on the way."""

import itertools
import math
import multiprocessing
import os
import signal

import keras
import numpy as np
import pytest
from keras import ops

import keras_selfmodel as ksm
from keras_selfmodel.rlct import sampling
from tests.rlct.identical import assert_identical
from tests.rlct.quiet import quietly
from tests.rlct.regression import half_squared_error, regression

# 300 steps in six calls; the curvature is followed after 200 of them, and friction settles after 180.
SIX_CALLS = {"num_chains": 3, "burn_in": 200, "num_draws": 100, "batch_size": 16, "localization": 1.0, "seed": 3}


class Interruption(Exception):
    pass


@pytest.fixture
def stored_after_each_call(monkeypatch):
    monkeypatch.setattr(sampling, "SECONDS_BETWEEN_WRITES", 0.0)


def interruption(call):
    """A `progress` that ends the sampling at its so many-th call, before that call is stored."""
    calls = itertools.count(1)

    def progress(done, steps):
        if next(calls) == call:
            raise Interruption

    return progress


def problem(settings):
    """A regression in three dimensions, with dropout in the paper's convention, which samples in training mode."""
    model, data, _ = regression(60, 3)
    if settings.get("convention") == "paper":
        # Without a seed of its own, dropout draws from PyTorch's global generator.
        dropouts = [keras.layers.Dropout(0.5, seed=1), keras.layers.Dropout(0.2)]
        model = keras.Sequential([keras.Input((3,)), *dropouts, *model.layers])
    return model, data


class TestInterruption:
    @pytest.mark.parametrize(
        ("settings", "calls"),
        [
            ({}, 6),
            ({"sampler": "sgld", "step_size": 1e-3, "control_variate": True}, 6),
            pytest.param({"sampler": "sgnht"}, 6, marks=pytest.mark.long_chains),
            pytest.param({"sampler": "mala", "batch_size": 60}, 6, marks=pytest.mark.long_chains),
            pytest.param({"chains_at_once": 1}, 18, marks=pytest.mark.long_chains),
            pytest.param({"control_variate": True}, 6, marks=pytest.mark.long_chains),
            # 20 steps: each pass over the data is a call of three batches of 16 and one of the last, of 12.
            ({"convention": "paper", "burn_in": 10, "num_draws": 10}, 10),
        ],
        ids=lambda value: ", ".join(map(str, value.values())) or "default" if isinstance(value, dict) else "",
    )
    def test_changes_nothing(self, settings, calls, tmp_path, stored_after_each_call):
        settings = {**SIX_CALLS, **settings}
        model, data = problem(settings)
        given = {"loss": half_squared_error, "observe": {"same": data}, **settings}
        whole = quietly(model, data, **given)
        # Interrupted again and again, each time in the third call (or fourth, where there are many) after it went on.
        lasting = 3 if calls < 12 else 7
        interruptions = 0
        while True:
            try:
                reported = []
                end = interruption(lasting)
                estimate = quietly(
                    model,
                    data,
                    checkpoint=tmp_path / "sampling",
                    progress=lambda *now, end=end, reported=reported: (reported.append(now), end(*now)),
                    **given,
                )
                break
            except Interruption:
                interruptions += 1
        # Each time, all calls but the interrupted one were stored.
        assert interruptions == (calls - 1) // (lasting - 1)
        assert_identical(estimate, whole)
        assert np.isfinite(estimate.value)

    def test_before_anything_was_stored_starts_anew(self, tmp_path):
        model, data = problem({})
        given = {"loss": half_squared_error, "checkpoint": tmp_path / "sampling", **SIX_CALLS}
        with pytest.raises(Interruption):
            quietly(model, data, progress=interruption(4), **given)
        assert not list(tmp_path.iterdir())  # half a minute has not passed
        reported = []
        quietly(model, data, progress=lambda *now: reported.append(now), **given)
        assert reported == [(done, 300) for done in range(50, 301, 50)]

    def test_by_kill_loses_nothing_but_the_last_call(self, tmp_path):
        process = multiprocessing.get_context("spawn").Process(target=killed_in_the_fifth_call, args=(tmp_path / "s",))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        model, data = problem({})
        reported = []
        estimate = quietly(
            model,
            data,
            loss=half_squared_error,
            checkpoint=tmp_path / "s",
            progress=lambda *now: reported.append(now),
            **SIX_CALLS,
        )
        assert reported == [(250, 300), (300, 300)]
        assert_identical(estimate, quietly(model, data, loss=half_squared_error, **SIX_CALLS))


def killed_in_the_fifth_call(path):
    sampling.SECONDS_BETWEEN_WRITES = 0.0
    model, data = problem({})

    def progress(done, steps):
        if done == 250:
            os.kill(os.getpid(), signal.SIGKILL)

    quietly(model, data, loss=half_squared_error, checkpoint=path, progress=progress, **SIX_CALLS)


class TestCheckpoint:
    @pytest.fixture
    def finished(self, tmp_path):
        """A checkpoint at the end of a sampling, and what that came from."""
        model, data = problem({})
        given = {"loss": half_squared_error, "checkpoint": tmp_path / "sampling", **SIX_CALLS}
        estimate = quietly(model, data, **given)
        return model, data, given, estimate

    def test_of_a_finished_sampling_is_the_estimate(self, finished):
        model, data, given, estimate = finished
        reported = []
        assert_identical(quietly(model, data, progress=lambda *now: reported.append(now), **given), estimate)
        assert reported == []

    def test_goes_on_with_more_draws(self, finished):
        model, data, given, estimate = finished
        longer = quietly(model, data, **{**given, "num_draws": 200})
        np.testing.assert_array_equal(longer.losses[:, :300], estimate.losses)
        # The calls have the same limits, so that it is the sampling that would have been done at once.
        at_once = quietly(model, data, **{**given, "num_draws": 200, "checkpoint": None})
        assert_identical(longer, at_once)

    @pytest.mark.any_backend
    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("data", {"data": lambda data: (data[0], data[1] + 1)}),
            ("trained weights", {"model": lambda model: regression(60, 3, seed=1)[0]}),
            ("seed", {"seed": 4}),
            ("batch_size", {"batch_size": 15}),
            ("sampler, step_size", {"sampler": "sgld", "step_size": 1e-3, "control_variate": True}),
            ("anchor", {"anchor": "descend"}),
            ("observed data", {"observe": {"more": regression(60, 3, seed=1)[1]}}),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_something_else_is_refused(self, finished, name, change):
        model, data, given, _ = finished
        model = change.pop("model", lambda same: same)(model)
        data = change.pop("data", lambda same: same)(data)
        with pytest.raises(ValueError, match=f"was written by a different sampling: its {name} differ. Remove it"):
            quietly(model, data, **{**given, **change})

    def test_of_another_loss_is_refused(self, finished):
        model, data, given, _ = finished
        with pytest.raises(ValueError, match="was written by a different sampling: its loss.* differ"):
            quietly(model, data, **{**given, "loss": lambda y, p: 2 * half_squared_error(y, p)})

    @pytest.mark.any_backend
    @pytest.mark.parametrize(
        "damage",
        [
            lambda content: content[: len(content) // 2],
            lambda content: b"",
            lambda content: b"notes of last week",
            lambda content: content[: len(content) // 2] + b"\0\1\2\3" + content[len(content) // 2 + 4 :],
        ],
        ids=["cut off", "empty", "text", "bytes changed"],
    )
    def test_that_is_damaged_is_refused(self, finished, damage):
        model, data, given, _ = finished
        content = given["checkpoint"].read_bytes()
        given["checkpoint"].write_bytes(damage(content))
        with pytest.raises(ValueError, match="holds no sampling that can be read.*Remove it"):
            quietly(model, data, **given)

    @pytest.mark.any_backend
    def test_that_is_a_pipe_is_refused_instead_of_waited_for(self, finished):
        model, data, given, _ = finished
        given["checkpoint"].unlink()
        os.mkfifo(given["checkpoint"])
        with pytest.raises(ValueError, match="no sampling that can be read .it is a pipe, a socket or a device"):
            quietly(model, data, **given)

    def test_loses_the_partial_files_that_kills_left_of_it(self, finished):
        model, data, given, _ = finished
        file = given["checkpoint"]
        half, other = (file.with_name(f".half-written.0123456789ab.{name}") for name in (file.name, "other.npz"))
        half.touch(), other.touch()
        quietly(model, data, **given)
        assert not half.exists() and other.exists()

    @pytest.mark.any_backend
    def test_that_is_an_array_is_refused(self, finished):
        model, data, given, _ = finished
        with given["checkpoint"].open("wb") as file:
            np.save(file, np.zeros(3))
        with pytest.raises(ValueError, match="holds no sampling that can be read"):
            quietly(model, data, **given)

    def test_takes_settings_counted_by_numpy(self, finished):
        model, data, given, estimate = finished
        assert_identical(quietly(model, data, **{**given, "seed": np.int64(given["seed"])}), estimate)


@pytest.mark.long_chains
class TestChainsAtOnce:
    def test_block_after_block_is_the_same_sampling_with_other_noise(self):
        model, data, hessian = regression(400, 12)
        given = {"loss": half_squared_error, "batch_size": 100, "num_chains": 5, "localization": 1.0, "seed": 2}
        given |= {"burn_in": 200, "num_draws": 1000}
        reported = []
        together = quietly(model, data, **given)
        apart = quietly(model, data, chains_at_once=2, progress=lambda *now: reported.append(now), **given)
        assert reported[-1] == (3 * 1200, 3 * 1200)
        assert [done for done, _ in reported] == sorted({done for done, _ in reported})
        # Each chain has the batches it would have had with all others.
        np.testing.assert_array_equal(apart.reference_losses, together.reference_losses)
        for name in ("losses", "heat", "acceptance", "step_sizes"):
            assert getattr(apart, name).shape == (5, 1200)
        assert apart.distances.shape == (5,)
        assert len(np.unique(apart.losses[:, -1])) == 5
        # The noise is drawn anew for each block: none is a copy of another.
        assert np.abs(np.corrcoef(apart.losses[:, 200:] - apart.reference_losses[:, 200:]) - np.eye(5)).max() < 0.5
        # Two independent estimates: four standard errors of the difference.
        errors = math.hypot(together.sampling_error, apart.sampling_error)
        assert apart.value == pytest.approx(together.value, abs=4 * errors)
        assert errors < 0.05 * together.value


class TestObserve:
    SETTINGS = {"loss": half_squared_error, "batch_size": 400, "localization": 1.0, "seed": 4}

    def test_on_the_training_data_are_the_losses_themselves(self):
        model, data, _ = regression(400, 12)
        estimate = quietly(
            model, data, observe={"same": data}, num_chains=3, burn_in=100, num_draws=200, **self.SETTINGS
        )
        # After each call the next draw: the last of them has none.
        assert estimate.observed["same"].shape == (3, 4)
        following = (estimate.losses - estimate.reference_losses)[:, [150, 200, 250]]
        np.testing.assert_allclose(estimate.observed["same"][:, :-1], following, rtol=1e-4)

    @pytest.mark.long_chains
    def test_by_mala_are_those_of_accepted_draws(self):
        model, data, hessian = regression(400, 12)
        estimate = quietly(
            model,
            data,
            observe={"same": data},
            num_chains=3,
            burn_in=100,
            num_draws=200,
            **{**self.SETTINGS, "sampler": "mala", "step_size": 2.0 / (400 / math.log(400) * hessian.max())},
        )
        assert estimate.acceptance_rate < 0.7
        # The draw before the call's end or after it, not a proposal that may be rejected.
        excess = estimate.losses - estimate.reference_losses
        observed = estimate.observed["same"][:, :-1]
        before, after = (np.abs(observed - excess[:, steps]) for steps in ([149, 199, 249], [150, 200, 250]))
        assert (np.minimum(before, after) < 1e-4 * np.abs(observed)).all()

    @pytest.mark.any_backend
    @pytest.mark.parametrize("batch_size", [400, 50], ids=["whole", "batches"])
    def test_value_on_other_data(self, batch_size):
        # w is N(w*, A⁻¹), A = nβH + γ. On data with y = x·w* + r, r orthogonal to x, the loss is quadratic around w*
        # too: nβ E[L'(w) − L'(w*)] = ½ nβ tr(H'A⁻¹).
        model, (x, y), _ = regression(400, 12)
        trained = model.get_weights()[0].astype(float)
        rng = np.random.default_rng(5)
        other = rng.normal(size=(90, 12)) * np.linspace(2.0, 0.5, 12)
        noise = rng.normal(size=(90, 1))
        residual = noise - other @ np.linalg.lstsq(other, noise, rcond=None)[0]
        nbeta = 400 / math.log(400)
        posterior = nbeta * x.astype(float).T @ x / 400 + np.eye(12)
        exact = 0.5 * nbeta * np.trace(np.linalg.solve(posterior, other.T @ other / 90))
        assert exact > 1.5 * 6  # not what the training data give
        estimate = quietly(
            model,
            (x, y),
            observe={"other": (other.astype("float32"), (other @ trained + residual).astype("float32"))},
            num_chains=8,
            burn_in=200,
            num_draws=3000,
            **{**self.SETTINGS, "batch_size": batch_size},
        )
        value, error = estimate.observed_value("other")
        assert estimate.observed["other"].shape == (8, 60)
        # 480 looks at 12 directions of unequal weight, a little correlated: 0.5·√(1.5/480) = 0.03.
        assert error < 0.05 * exact
        # Batches heat the chains here by less than 5 %.
        assert value == pytest.approx(exact, abs=4 * error + (0.0 if batch_size == 400 else 0.05 * exact))

    def test_unknown_name(self):
        model, data, _ = regression(400, 12)
        estimate = quietly(
            model, data, observe={"same": data}, num_chains=3, burn_in=100, num_draws=200, **self.SETTINGS
        )
        with pytest.raises(ValueError, match=r"Observed were \['same'\]. Received: name='test'"):
            estimate.observed_value("test")

    def test_data_that_do_not_fit(self):
        model, (x, y), _ = regression(400, 12)
        with pytest.raises(ValueError, match=r"inputs of shape \(None, 12\)"):
            ksm.estimate_rlct(model, (x, y), observe={"short": (x[:, :5], y)}, **self.SETTINGS)


@pytest.mark.any_backend
class TestNaN:
    """Half a squared error that is not a number beyond a limit, which some chains cross sooner than others."""

    GIVEN = {
        "num_chains": 3,
        "burn_in": 100,
        "num_draws": 400,
        "batch_size": 60,
        "localization": 1.0,
        "step_size": 1e-2,
    }

    @pytest.fixture
    def chains(self):
        model, data, _ = regression(60, 3)
        return model, data

    @staticmethod
    def limited(limit):
        def loss(y, prediction):
            values = half_squared_error(y, prediction)
            return ops.where(ops.mean(values) > limit, math.nan, values)

        return loss

    def sampled(self, chains, limit, **changes):
        model, data = chains
        return quietly(model, data, loss=self.limited(limit), **{**self.GIVEN, **changes})

    def test_ends_the_sampling_early(self, chains):
        free = self.sampled(chains, math.inf)
        limit = 0.999 * free.losses[:, :130].max()
        step = int((free.losses > limit).any(axis=0).argmax())
        reported = []
        estimate = self.sampled(chains, limit, progress=lambda *now: reported.append(now))
        # The call in which a chain is lost is the last.
        end = (step // 50 + 1) * 50
        assert reported[-1] == (end, 500)
        assert math.isnan(estimate.value) and estimate.verdict == "not to be used"
        for name in ("losses", "reference_losses", "heat", "acceptance", "step_sizes"):
            trace = getattr(estimate, name)
            assert trace.shape == (3, 500)
            assert np.isnan(trace[:, end:]).all()
        np.testing.assert_array_equal(estimate.losses[:, :step], free.losses[:, :step])
        assert np.isnan(estimate.losses[:, step]).any()

    @pytest.mark.parametrize("lost", [0, 1], ids=["first block", "second block"])
    def test_in_one_block_of_chains(self, chains, lost):
        # The first seed with which this chain of two alone meets losses above some limit, before the last call.
        given = {"chains_at_once": 1, "num_chains": 2, "num_draws": 200}
        for seed in itertools.count():
            free = self.sampled(chains, math.inf, seed=seed, **given).losses
            limit = 0.5 * free.max(axis=1).sum()
            step = int((free[lost] > limit).argmax())
            if free[lost].max() == free.max() and 0 < step < 250:
                break
        reported = []
        estimate = self.sampled(chains, limit, seed=seed, progress=lambda *now: reported.append(now), **given)
        end = (step // 50 + 1) * 50
        assert estimate.losses.shape == (2, 300)
        np.testing.assert_array_equal(estimate.losses[lost, :step], free[lost, :step])
        assert np.isnan(estimate.losses[lost, step]) and np.isnan(estimate.losses[lost, end:]).all()
        assert math.isnan(estimate.value)
        # A chain after the lost one is not sampled any further than it.
        assert len(reported) == (end // 50 * 2 if lost == 0 else 6 + end // 50)
        assert np.isnan(estimate.losses[lost + 1 :, end:]).all()

    def test_is_read_back_as_it_is(self, chains, tmp_path):
        free = self.sampled(chains, math.inf)
        given = {"limit": float(np.median(free.losses[:, :150].max(axis=1))), "checkpoint": tmp_path / "sampling"}
        estimate = self.sampled(chains, **given)
        assert math.isnan(estimate.value)
        assert_identical(self.sampled(chains, **given), estimate)
