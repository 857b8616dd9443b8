"""Data sets of every kind that `fit` takes, read into the same samples."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

import keras_selfmodel as ksm
from keras_selfmodel.rlct.data import samples_of
from tests.rlct.quiet import quietly

N = 20
X = np.random.default_rng(0).normal(size=(N, 3)).astype("float32")
Y = np.arange(N) % 2
W = np.linspace(0.5, 2.0, N).astype("float32")


class Batches(keras.utils.PyDataset):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, i: int):
        part = slice(8 * i, 8 * i + 8)
        return X[part], Y[part], W[part]


class Rereadable:
    def __iter__(self):
        return (Batches()[i] for i in range(3))


def of_torch():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(*map(torch.from_numpy, (X, Y, W)))
    return torch.utils.data.DataLoader(data, batch_size=8)


def of_tensorflow():
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((X, Y, W)).batch(8)


def of_grain():
    grain = pytest.importorskip("grain")
    return grain.MapDataset.source(list(zip(X, Y, W, strict=True))).batch(8)


def of_pandas():
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(X, columns=list("abc")), pandas.Series(Y), pandas.Series(W)


def of_scipy():
    sparse = pytest.importorskip("scipy.sparse")
    return sparse.csr_matrix(X), Y, W


def table(**columns):
    """X as a table, with some columns replaced."""
    return pytest.importorskip("pandas").DataFrame(X, columns=list("abc")).assign(**columns)


def ragged():
    return pytest.importorskip("tensorflow").RaggedTensor.from_tensor(X)


def sparse_of_tensorflow():
    return pytest.importorskip("tensorflow").sparse.from_dense(X)


def texts_of_tensorflow():
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((["a", "b"] * 10, Y)).batch(8)


SOURCES = {
    "arrays": lambda: (X, Y, W),
    "double precision and lists": lambda: (X.astype(float), Y.tolist(), W),
    "tensors": lambda: tuple(map(ops.convert_to_tensor, (X, Y, W))),
    "PyDataset": lambda: Batches(),
    "iterable of batches": lambda: Rereadable(),
    "DataLoader": of_torch,
    "tf.data": of_tensorflow,
    "grain": of_grain,
    "pandas": of_pandas,
    "SciPy": of_scipy,
}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("memory_limit", [2**30, 100])
def test_samples_are_those_of_the_arrays(kind, memory_limit):
    samples = samples_of(SOURCES[kind](), memory_limit=memory_limit)
    assert samples.num_samples == N
    assert samples.resident == (memory_limit > 100)
    for found, expected in zip(samples.rows(np.array([[3, 19], [0, 3]])), (X, Y, W), strict=True):
        np.testing.assert_array_equal(found, expected[[[3, 19], [0, 3]]])


def test_what_is_larger_than_the_limit_is_read_from_a_file():
    samples = samples_of(Batches(), memory_limit=100)
    assert all(isinstance(array, np.memmap) for array in samples.arrays)


def test_dicts_of_arrays_keep_their_names():
    samples = samples_of(({"a": X, "b": X[:, :1]}, {"cls": Y}))
    assert set(samples.x) == {"a", "b"}
    np.testing.assert_array_equal(samples.y["cls"], Y)


class Single:
    """As PyTorch's data sets that are read sample by sample."""

    def __getitem__(self, number: int):
        return X[number], Y[number]


@pytest.mark.parametrize("class_weight", ["x", [1, 2], {0: "1"}])
def test_class_weights_that_are_no_dictionary_of_numbers_are_refused(class_weight):
    with pytest.raises(ValueError, match="class_weight must be a dictionary.*Received: class_weight="):
        samples_of((X, Y), class_weight=class_weight)


def test_endless_data_need_a_number():
    endless = of_tensorflow().repeat()
    with pytest.raises(ValueError, match="no end.*num_samples"):
        samples_of(endless)
    np.testing.assert_array_equal(samples_of(endless, num_samples=25).y, np.concatenate([Y, Y[:5]]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: (b for b in [(X, Y)]), "generator or an iterator cannot"),
        (lambda: X, "data must be"),
        (lambda: (X, None), "labels"),
        (lambda: (X, Y[:5]), "x and y must have one entry.*lengths x 20, y 5"),
        (lambda: (X, Y, W[:7]), "x and y and sample_weight must have.*sample_weight 7"),
        (lambda: (X.tolist(), Y), r"x must be an array.*np\.asarray\(x\).*20 lists of numbers"),
        (lambda: Single(), "batches, and this is one of single samples.*DataLoader.*Received: data of type Single"),
        (lambda: (X, Y, -W), "finite and not negative"),
        (lambda: of_tensorflow().map(lambda x, y, w: x), "Each batch must be"),
        (lambda: of_tensorflow().unbatch(), "group single samples into batches"),
        (lambda: (list(np.zeros((3000, 3))), np.zeros(3000)), r"np\.stack\(x\)\. Received: lengths x 3 .{,60}y 3000$"),
        (lambda: texts_of_tensorflow(), r"TextVectorization.*dtype object \(in a data set of batches\)$"),
        (lambda: (np.array(["a", "b", "c"]), Y[:3]), "encode text.*TextVectorization"),
        (lambda: (table(a=X[:, 0] > 0), Y), r"""all of them are numbers: pass x\.astype\("float32"\)\. Received"""),
        (lambda: (table().convert_dtypes(), Y), r"all of them are numbers: pass x\.astype"),
        (
            lambda: (table(b="text", c="more"), Y),
            "encode text.* not all are numbers in columns 'b', 'c'",
        ),
        (lambda: (table(b=[None, *X[1:, 1]]).astype(object).where(lambda t: t.notna(), None), Y), "such as None.*'b'"),
        (
            lambda: (np.array([np.ones(1), np.ones(2), np.ones(1)], object), Y[:3]),
            "samples must have one shape: pad them",
        ),
        (lambda: (ragged(), Y), r"x\.to_tensor\(\)"),
        (lambda: (sparse_of_tensorflow(), Y), r"tf\.sparse\.to_dense\(x\)"),
    ],
)
def test_what_cannot_be_read_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        samples_of(data())


def test_more_samples_than_there_are_are_refused():
    for data in ((X, Y), Batches()):
        with pytest.raises(ValueError, match="num_samples=21 is more than there are. Received: 20"):
            samples_of(data, num_samples=21)


def test_reading_a_loader_leaves_the_random_state_alone():
    torch = pytest.importorskip("torch")
    before = torch.get_rng_state()
    samples_of(of_torch())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.any_backend
def test_one_seed_gives_one_estimate_wherever_the_data_lie():
    model = ksm.models.mlp(4, inputs=3, classes=2, seed=1)
    steps = {"burn_in": 4, "num_draws": 6, "num_chains": 2, "batch_size": 8, "seed": 2, "step_size": 1e-3}
    here = quietly(model, (X, Y, W), **steps)
    there = quietly(model, Batches(), memory_limit=100, observe={"again": (X, Y, W)}, **steps)
    # The same products in another program: single precision.
    np.testing.assert_allclose(there.losses, here.losses, rtol=1e-5)
    assert there.value == pytest.approx(here.value, rel=1e-3, abs=1e-4)


@pytest.mark.any_backend
def test_callback_takes_data_sets():
    model = ksm.models.mlp(4, inputs=3, classes=2, seed=1)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rlct = ksm.callbacks.RLCT(Batches(), num_samples=10, burn_in=2, num_draws=4, num_chains=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ksm.rlct.RLCTWarning)
        model.fit(X, Y, verbose=0, callbacks=[rlct])
    assert rlct.estimates[0].num_samples == 10
