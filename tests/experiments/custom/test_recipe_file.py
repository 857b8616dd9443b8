"""Each test writes a recipe file; most data are 60 points of three classes in the plane."""

import dataclasses
import json
import os
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_selfmodel import transforms
from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel._typed_files import typed
from keras_selfmodel.experiments import (
    OBJECTIVES,
    Recipe,
    RecipeFileError,
    RunFolderError,
    add_task,
    can_be_trained_together,
    find_task,
    finished_runs,
    grid,
    plan_sweep,
    read_recipe_file,
    run,
    sweep,
)
from keras_selfmodel.experiments.custom.recipe_sections import recipe_schema
from keras_selfmodel.experiments.stages.building import compiled_model
from keras_selfmodel.experiments.sweeps.training_together import train_together
from keras_selfmodel.rlct import SamplingSettings

SHORT = "[training]\nepochs = 2\nbatch_size = 20\n"


def _arrays(shape=(2,)):
    rng = np.random.default_rng(0)
    y = np.arange(80) % 3
    x = (y.reshape(-1, *[1] * len(shape)) + 0.1 * rng.normal(size=(80, *shape))).astype("float32")
    return {"x_train": x[:60], "y_train": y[:60], "x_test": x[60:], "y_test": y[60:]}


@pytest.fixture
def write(tmp_path):
    """Writes my.toml and, beside it, my.py and data.npz."""

    def write(toml: str = "", python: str = "", *, head: str = 'name = "mine"', data: str = 'arrays = "data.npz"'):
        np.savez(tmp_path / "data.npz", **_arrays())
        (tmp_path / "my.py").write_text(textwrap.dedent(python))
        file = tmp_path / "my.toml"
        file.write_text(f"{head}\n[data]\n{data}\n{textwrap.dedent(toml)}")
        return file

    return write


@pytest.fixture
def task(write):
    """Writes the files, and makes the task known."""
    return lambda *args, **kwargs: add_task(read_recipe_file(write(*args, **kwargs)))


BUILD = """
    import keras
    def build(input_shape, classes, hidden, seed):
        return keras.Sequential([
            keras.Input(input_shape), keras.layers.Dense(hidden, "relu", name="hidden"), keras.layers.Dense(classes),
        ])
"""
CUSTOM_BUILD = '[model]\npython = "my.py:build"\n'


def test_without_more_than_data_the_settings_are_the_documented_ones(write):
    recipe = read_recipe_file(write()).recipe
    assert recipe == Recipe(
        task="mine",
        hidden=64,
        aux_weight=10.0,
        targets=("hidden",),
        epochs=50,
        batch_size=64,
        learning_rate=0.01,
        momentum=0.9,
        seed=1,
        rlct=SamplingSettings(batch_size=64),
        optimizer="sgd",
        scaling="none",
        network="mlp",
    )


def test_the_recipe_in_the_docs_can_be_used(tmp_path):
    readme = (Path(__file__).resolve().parents[3] / "docs" / "your-own-data.md").read_text(encoding="utf-8")
    (tmp_path / "my.toml").write_text(readme.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    (tmp_path / "my_file.py").write_text(textwrap.dedent(BUILD))
    np.savez(tmp_path / "data.npz", **_arrays())
    mine = read_recipe_file(tmp_path / "my.toml")
    assert mine.recipe.task == "mine" and mine.recipe.aux_weight == 1
    assert mine.network(mine.recipe, mine.load()).output_shape == (None, 3)


def test_every_setting_of_the_file_reaches_the_recipe(write):
    toml = """
    [model]
    hidden = 5
    targets = ["hidden"]
    [training]
    aux_weight = 2
    epochs = 3
    batch_size = 16
    optimizer = "adam"
    learning_rate = 0.5
    seed = 4
    [rlct]
    convention = "paper"
    num_draws = 7
    step_size = 1
    """
    recipe = read_recipe_file(write(toml, data='arrays = "data.npz"\nscaling = "unit"')).recipe
    assert (recipe.hidden, recipe.aux_weight, recipe.epochs, recipe.batch_size) == (5, 2.0, 3, 16)
    assert (recipe.optimizer, recipe.learning_rate, recipe.momentum, recipe.seed) == ("adam", 0.5, 0.0, 4)
    assert recipe.rlct == SamplingSettings(convention="paper", num_draws=7, step_size=1, batch_size=16, seed=4)
    assert recipe.scaling == "unit"


def test_the_rlct_can_be_left_out(write):
    assert read_recipe_file(write(head='name = "mine"\nrlct = false')).recipe.rlct is None


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[modell]", "my.toml: unknown key 'modell'. Possible: name, data, model, training, rlct."),
        ("shuffle = true", "[data]: unknown key 'shuffle'. Possible: arrays, tfds, images, python, scaling, size."),
        ('tfds = "mnist:3.0.1"', "[data]: give exactly one of arrays, tfds, images, python. Received: arrays, tfds."),
        ("size = [8, 8]", "[data]: size is the height and width"),
        ("size = 8", "[data]: size must be a list of 2 values: a whole number, a whole number. Received: 8"),
        ('scaling = "pixels"', "[data]: scaling must be one of 'symmetric', 'unit', 'none'. Received: 'pixels'"),
        ('[rlct]\ninverse_temperature = "cold"', "[rlct]: inverse_temperature must be a number or 'auto'. Received"),
        ('[model]\nhiden = 3', "[model]: unknown key 'hiden'. Possible: keras, python, hidden, targets."),
        ("[model]\nhidden = 1.5", "[model]: hidden must be a whole number. Received: 1.5"),
        ("[model]\nhidden = 0", "my.toml, [model]: hidden must be a whole number from 1 to"),
        ('[model]\ntargets = "hidden"', "[model]: targets must be a list of texts. Received: 'hidden'"),
        ("[model]\ntargets = []", "[model]: targets must name at least one layer"),
        ('[model]\nkeras = "a.keras"\npython = "my.py:build"', "[model]: give at most one of keras, python."),
        ('[model]\nkeras = "a.keras"', "[model]: there is no file "),
        ('[model]\nkeras = "."', "to read: it is a folder"),
        ('[model]\nkeras = "data.npz"', "is not a Keras model that can be loaded: its name must end in .keras"),
        ('[model]\npython = "my.py"', "[model]: python must name a function of a file, such as 'my_file.py:load'"),
        ('[model]\npython = "other.py:build"', "[model]: python: there is no file "),
        ('[model]\npython = "\\u0000.py:build"', "[model]: python: there is no file "),
        ("training = 3", "my.toml, [data]: unknown key 'training'"),
        ("[training]\nlr = 0.1", "[training]: unknown key 'lr'. Possible: aux_weight, epochs, batch_size, optimizer,"),
        ("[training]\nmomentum = 1.5", "[training]: momentum must lie in 0 … 1. Received: momentum = 1.5"),
        ("[training]\nepochs = true", "[training]: epochs must be a whole number. Received: true"),
        ("[training]\nepochs = 0", "my.toml, [training]: epochs must be a whole number from 1 to"),
        ("[training]\naux_weight = nan", "my.toml, [training]: aux_weight must be finite and not negative"),
        ("[training]\nbatch_size = 0", "my.toml, [training]: batch_size must be a whole number from 1 to"),
        ("[rlct]\nbatch_size = 1", "my.toml, [rlct]: batch_size must be a whole number from 2 to 1,000,000,000."),
        ("[training]\nlearning_rate = 0", "my.toml, [training]: learning_rate must be finite and positive"),
        ("[training]\nmomentum = 2", "my.toml, [training]: momentum must lie in 0 … 1. Received: momentum = 2.0"),
        ('[training]\nobjective = ""', "my.toml, [training]: objective must be one of self-modeling, "),
        ('[training]\nobjective = ""', "Received: objective = ''"),
        ('[model]\ntargets = ["a", "a"]', "my.toml, [model]: targets must name each layer once. Received: a, a"),
        ('[model]\nkeras = ""', "my.toml, [model]: keras must not be empty. Received: ''"),
        ("[training]\nseed = 1\nseed = 2", "my.toml is not TOML: seed is there twice in its section (line 6)."),
        ("[training.x]\n[training.x]", "my.toml is not TOML: the section [training.x] is there twice."),
        ('[training]\nobjective = "joy"', "my.toml, [training]: "),
        ('[training]\nobjective = "dropout"', "my.toml, [training]: aux_weight must be below 1"),
        ('[training]\nprecision = "half"', "my.toml, [training]: precision must be one of "),
        ('[training]\noptimizer = "rmsprop"', "[training]: optimizer must be one of 'sgd', 'adam'. Received: 'rms"),
        ('[training]\noptimizer = "adam"\nmomentum = 0.9', "[training]: momentum has no meaning with adam"),
        ("[rlct]\nseed = 3", "[rlct]: unknown key 'seed'. Possible: convention, sampler, step_size,"),
        ('[rlct]\nstep_size = "small"', "[rlct]: step_size must be a number. Received: 'small'"),
        ("[rlct]\nnum_chains = 0", "[rlct]: num_chains must be a whole number from 1 to"),
        ('[rlct]\nconvention = "mine"', "[rlct]: convention must be 'dataset' or 'paper'"),
        ("[rlct\n", "my.toml is not TOML: "),
        ("a = " + "[" * 10_000 + "]" * 10_000, "my.toml is not a recipe: its brackets are nested too deeply"),
        (f"[training]\nseed = {10**23}", "my.toml, [training]: seed must be a whole number from 0 to 4,294"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_file_is_named_with_what_is_possible(write, toml, said):
    with pytest.raises(RecipeFileError) as caught:
        read_recipe_file(write(toml))
    assert (
        said in str(caught.value) and "my.toml" in str(caught.value) and "\n" not in str(caught.value).split("TOML")[0]
    )


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ('name = "mnist"', "name must not be that of a task of the paper. Received: 'mnist'"),
        ('name = "CIFAR10"', "name must not be that of a task of the paper"),
        ('name = "a/b"', "letters, digits, _ and -, at most 64. Received: 'a/b'"),
        ("", "name is missing."),
        ('name = "mine"\nrlct = true', "rlct must be a section or false. Received: true"),
        ('name = "mine"\nrlct = 3', "rlct must be a section or false. Received: 3"),
        ("name = 2020-01-01", "name must be text. Received: 2020-01-01"),
        ("name = [2020-01-01, true]", "name must be text. Received: [2020-01-01, true]"),
    ],
)
def test_a_name_that_cannot_be_is_refused(write, head, said):
    with pytest.raises(RecipeFileError) as caught:
        read_recipe_file(write(head=head))
    assert said in str(caught.value)


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path):
    with pytest.raises(RecipeFileError, match="There is no file .*my.toml"):
        read_recipe_file(tmp_path / "my.toml")
    for number, (make, said) in enumerate([(os.mkfifo, "a pipe"), (os.mkdir, "a folder")]):
        make(tmp_path / f"{number}.toml")
        with pytest.raises(RecipeFileError, match=f"{number}.toml is not a recipe: it is {said}"):
            read_recipe_file(tmp_path / f"{number}.toml")
    (tmp_path / "my.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RecipeFileError, match="my.toml is not TOML: it is not UTF-8 text. Save it as UTF-8."):
        read_recipe_file(tmp_path / "my.toml")


def test_arrays_from_a_function_are_those_from_a_file(write, tmp_path):
    file = write()
    stored = read_recipe_file(file).load()
    python = """
    import numpy as np
    from pathlib import Path
    import beside
    def load():
        print("loading")
        a = np.load(Path(__file__).with_name("data.npz"))
        return tuple(a[name] for name in beside.NAMES)
    def mapping():
        return dict(np.load(Path(__file__).with_name("data.npz")))
    """
    (tmp_path / "beside.py").write_text("NAMES = ('x_train', 'y_train', 'x_test', 'y_test')")
    for name in ("load", "mapping"):
        called = read_recipe_file(write("", python, data=f'python = "my.py:{name}"')).load()
        assert called.digest == stored.digest and called.name == "mine"
        assert called.source == f"{tmp_path / 'my.py'}:{name}"


def test_what_a_users_function_prints_stays_off_standard_output(write, capsys):
    python = "print('here I am')\ndef load():\n    print('loading')\n    return 1\n"
    with pytest.raises(RecipeFileError, match="Received: int"):
        read_recipe_file(write("", python, data='python = "my.py:load"')).load()
    assert capsys.readouterr() == ("", "here I am\nloading\n")


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("def other(): pass", "my.py has no function 'load'. It has: other."),
        ("load = 3", "my.py has no function 'load'. It has: none."),
        ("def load(:", "my.py, line 1: it raised SyntaxError"),
        ("\nimport nowhere", "my.py, line 2: it raised ModuleNotFoundError: No module named 'nowhere'"),
        ("def load():\n    return 1 / 0", "my.py, line 2: load() raised ZeroDivisionError: division by zero"),
        ("def load():\n    raise SystemExit(3)", "my.py, line 2: load() raised SystemExit: 3"),
        ("def load(path): pass", "missing a required argument: 'path'. It is called without arguments."),
        ("def load(): return 1, 2", "must return x_train, y_train, x_test, y_test. Received: 2 values"),
        ("def load(): return None", "must return x_train, y_train, x_test, y_test. Received: NoneType"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_python_file_is_named_with_its_line(write, python, said):
    with pytest.raises(RecipeFileError) as caught:
        read_recipe_file(write("", python, data='python = "my.py:load"')).load()
    assert said in str(caught.value) and "my.toml, [data]: " in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (None, "There is no file "),
        ({"x_train": np.zeros((4, 2))}, "Missing: y_train, x_test, y_test"),
        ({"x_train": np.zeros((4, 2)), "y_train": [0, 1], "x_test": np.zeros((4, 2)), "y_test": [0, 1]}, "y_train"),
    ],
)
def test_what_is_wrong_with_arrays_is_said_of_the_recipes_section(write, tmp_path, arrays, said):
    task = read_recipe_file(write(data='arrays = "mine.npz"'))
    if arrays is not None:
        np.savez(tmp_path / "mine.npz", **arrays)
    with pytest.raises((ValueError, OSError), match=rf"my\.toml, \[data\]: .*{said}"):
        task.load()


def test_pixels_in_arrays_need_a_scaling(write, tmp_path):
    def written(data):
        file = write(data=data)
        arrays = {name: a.astype(np.uint8) for name, a in _arrays().items()}
        np.savez(tmp_path / "data.npz", **arrays)
        return read_recipe_file(file)

    with pytest.raises(RecipeFileError, match='scaling = "symmetric"'):
        written('arrays = "data.npz"').load()
    task = written('arrays = "data.npz"\nscaling = "unit"')
    assert task.load().x_train.dtype == np.uint8
    assert task.inputs(np.array([255], np.uint8)) == [1.0]


def test_images_are_scaled_to_between_minus_one_and_one(write, tmp_path):
    image = pytest.importorskip("PIL.Image")
    for split in ("train", "test"):
        for number in range(2):
            folder = tmp_path / "images" / split / f"class {number}"
            folder.mkdir(parents=True)
            image.fromarray(np.full((4, 4), 255 * number, np.uint8)).save(folder / "1.png")
    task = read_recipe_file(write(data='images = "images"\nsize = [2, 3]'))
    dataset = task.load()
    assert dataset.x_train.shape == (2, 2, 3, 1) and task.recipe.scaling == "symmetric"
    assert np.unique(task.inputs(dataset.x_train)).tolist() == [-1, 1]


def test_tfds_data_are_read_from_the_folder_given(write, tmp_path):
    task = read_recipe_file(write(data='tfds = "fashion_mnist:3.0.1"'))
    assert task.recipe.scaling == "symmetric"
    with pytest.raises(FileNotFoundError, match="fashion_mnist:3.0.1 is not prepared in .*elsewhere"):
        task.load(tmp_path / "elsewhere")


def _weights(task, dataset, **changed):
    recipe = dataclasses.replace(task.recipe, **changed)
    return task.network(recipe, task.prepare(dataset)).get_weights()


def _same(one, other):
    return all((a == b).all() for a, b in zip(one, other, strict=True))


def test_a_built_network_follows_seed_and_hidden(task):
    mine = task(CUSTOM_BUILD + "hidden = 5", BUILD)
    dataset = mine.load()
    first = _weights(mine, dataset)
    assert first[0].shape == (2, 5) and mine.recipe.network.startswith("my.py:build (sha256 ")
    assert _same(first, _weights(mine, dataset)) and not _same(first, _weights(mine, dataset, seed=2))
    assert _weights(mine, dataset, hidden=7)[0].shape == (2, 7)


def test_a_function_gets_only_what_it_takes(task):
    fixed = BUILD.replace("input_shape, classes, hidden, seed", "*, classes").replace("hidden,", "4,", 1)
    fixed = fixed.replace("keras.Input(input_shape)", "keras.Input((2,))")
    mine = task(CUSTOM_BUILD + "hidden = 4", fixed)
    dataset = mine.load()
    assert _weights(mine, dataset)[0].shape == (2, 4)
    with pytest.raises(ValueError, match=r"has one size, hidden = 4\. .* Received: hidden=7"):
        _weights(mine, dataset, hidden=7)
    with pytest.raises(RecipeFileError, match="takes no argument 'hidden', so hidden = ... must say"):
        task(CUSTOM_BUILD, fixed)


def test_the_default_of_the_functions_own_hidden_counts(task):
    assert task(CUSTOM_BUILD, BUILD.replace("hidden, seed", "hidden=9")).recipe.hidden == 9


@pytest.fixture
def saved(tmp_path):
    """A network with a frozen layer, a layer adapted to data, dropout, and an initializer with a seed of its own."""
    normalization = keras.layers.Normalization(name="normalization")
    normalization.adapt(_arrays()["x_train"])
    model = keras.Sequential(
        [
            keras.Input((2,)),
            normalization,
            keras.layers.Dense(4, name="frozen", trainable=False),
            keras.layers.Dense(6, "relu", name="hidden", kernel_initializer=keras.initializers.HeNormal(seed=3)),
            keras.layers.Dropout(0.1),
            keras.layers.BatchNormalization(name="batch_normalization"),
            keras.layers.Dense(3, name="logits"),
        ]
    )
    model.save(tmp_path / "model.keras")
    return model


def test_a_saved_architecture_is_drawn_anew_for_each_seed_but_for_what_is_fixed(task, saved):
    mine = task('[model]\nkeras = "model.keras"')
    dataset = mine.load()
    assert mine.recipe.hidden == 6 and mine.recipe.network.startswith("model.keras (sha256 ")
    one, same, other = (
        mine.network(dataclasses.replace(mine.recipe, seed=seed), mine.prepare(dataset)) for seed in (1, 1, 2)
    )
    assert _same(one.get_weights(), same.get_weights())
    for layer in saved.layers:
        before, now, else_ = (model.get_layer(layer.name).get_weights() for model in (saved, one, other))
        if layer.name in ("hidden", "logits"):
            assert (before[0] != now[0]).any() and (now[0] != else_[0]).any()
        elif before:
            assert _same(before, now) and _same(before, else_)


@pytest.mark.parametrize(("shape", "brought"), [((1, 2), (60, 1, 2)), ((2, 1), (60, 2, 1)), ((3,), None)])
def test_samples_are_brought_into_the_shape_that_a_saved_network_takes(task, tmp_path, shape, brought):
    layers = [keras.Input(shape), keras.layers.Identity(name="hidden"), keras.layers.Flatten(), keras.layers.Dense(3)]
    keras.Sequential(layers).save(tmp_path / "model.keras")
    mine = task('[model]\nkeras = "model.keras"')
    if brought is None:
        with pytest.raises(ValueError, match=r"inputs of shape \(3,\)\. Received: samples of shape \(2,\)"):
            mine.prepare(mine.load())
    else:
        assert mine.prepare(mine.load()).x_train.shape == brought


def test_a_saved_network_without_the_target_is_answered_with_its_layers(write, saved):
    with pytest.raises(RecipeFileError, match="'hiden'.*frozen, hidden"):
        read_recipe_file(write('[model]\nkeras = "model.keras"\ntargets = ["hiden"]'))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Sequential([Input(input_shape), Dense(5)])", "one score for each of the 3 classes.*Received: shape (5,)"),
        ("Sequential([Input(input_shape), Dense(3, 'softmax', name='p')])", "raw scores.*'p' ends in softmax"),
        ("Sequential([Input(input_shape), Dense(3), Softmax(name='p')])", "raw scores.*'p' ends in softmax"),
        ("Sequential([Input(input_shape), Dense(3), Activation('sigmoid', name='p')])", "'p' ends in sigmoid"),
        ("Sequential([Input((4,)), Dense(3)])", "must take samples of shape (2,).*it takes (4,)"),
        ("Sequential([Dense(3)])", "does not know its input shape"),
        ("Model(i := Input(input_shape), [Dense(3)(i), Dense(3)(i)])", "must have one output"),
        ("Model([i := Input(input_shape), j := Input((2,))], Dense(3)(i + j))", "must have one input.*2"),
        ("Model(i := Input(input_shape), keras.ops.softmax(Dense(3)(i)))", "ends in softmax"),
        ("Sequential([Input(input_shape), Flatten()])", "No final layer"),
        ("Model(i := Input(input_shape), Dense(3)(i) + Dense(3)(i))", "must end in a single layer.*join 2 branches"),
        ("3", "must be a keras.Model. Received: int"),
    ],
)
def test_a_network_that_is_no_such_classifier_is_refused(task, body, said):
    python = f"""
    import keras
    from keras import Input, Model, Sequential
    from keras.layers import Activation, Dense, Flatten, Softmax
    def build(input_shape, hidden=1):
        return {body}
    """
    mine = task(CUSTOM_BUILD, python)
    with pytest.raises(ValueError) as caught:
        _weights(mine, mine.load())
    for part in said.split(".*"):
        assert part in str(caught.value)


def test_a_network_that_cannot_be_built_is_an_error_with_the_line(task):
    mine = task(CUSTOM_BUILD, "def build(hidden, depth): pass")
    with pytest.raises(
        RecipeFileError, match="missing a required argument: 'depth'. It can take: input_shape, classes,"
    ):
        _weights(mine, mine.load())
    mine = task(CUSTOM_BUILD, "def build(hidden):\n    return unknown")
    with pytest.raises(RecipeFileError, match="my.py, line 2: build.. raised NameError"):
        _weights(mine, mine.load())


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_run_learns_and_notes_what_decides_its_numbers(task, tmp_path, optimizer):
    toml = f"""
    [training]
    epochs = 20
    batch_size = 20
    learning_rate = 0.05
    optimizer = "{optimizer}"
    aux_weight = 0.1
    [rlct]
    convention = "paper"
    num_draws = 4
    burn_in = 2
    """
    mine = task(CUSTOM_BUILD + "hidden = 8" + textwrap.dedent(toml), BUILD)
    result = run(mine.recipe, mine.load(), tmp_path / "run")
    assert result.accuracy > 0.9 and result.rlct is not None and result.paper is None
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["recipe"]["optimizer"] == optimizer and config["recipe"]["scaling"] == "none"
    assert config["recipe"]["network"] == mine.recipe.network
    assert typed(Recipe, config["recipe"], "config.json") == mine.recipe
    assert config["data"]["digest"] == mine.load().digest


NO_RLCT = 'name = "mine"\nrlct = false'


def test_changed_files_are_no_resumption(task, tmp_path):
    mine = task(CUSTOM_BUILD + SHORT, BUILD, head=NO_RLCT)
    folder = tmp_path / "run"
    first = run(mine.recipe, mine.load(), folder)
    again = task(CUSTOM_BUILD + SHORT, BUILD, head=NO_RLCT)
    assert run(again.recipe, again.load(), folder, resume=True) == first

    other = task(CUSTOM_BUILD + SHORT, BUILD.replace("relu", "tanh"), head=NO_RLCT)
    with pytest.raises(RunFolderError, match=r"other settings: network: my.py:build \(sha256 \w+\) there, my.py:build"):
        run(other.recipe, other.load(), folder, resume=True)
    with pytest.raises(ValueError, match="The network's file has changed"):
        run(mine.recipe, other.load(), tmp_path / "other")

    mine = task(CUSTOM_BUILD + SHORT, BUILD, head=NO_RLCT)
    arrays = _arrays()
    arrays["x_train"][0, 0] += 1
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(RunFolderError, match="data: .*data.npz .* there, .*data.npz"):
        run(mine.recipe, mine.load(), folder, resume=True)
    scaled = task(CUSTOM_BUILD + SHORT, BUILD, head=NO_RLCT, data='arrays = "data.npz"\nscaling = "unit"')
    with pytest.raises(RunFolderError, match="scaling: none there, unit here"):
        run(scaled.recipe, scaled.load(), folder, resume=True)


def test_worker_processes_find_the_task_and_what_one_process_finds(task, tmp_path):
    mine = task(CUSTOM_BUILD + SHORT, BUILD, head=NO_RLCT)
    dataset = mine.load()
    recipes = grid(mine.recipe, hidden=[4], aux_weights=[0, 1], seeds=[1])
    result = sweep(plan_sweep(recipes, dataset, tmp_path / "sweep"), dataset, workers=2)
    assert result.failures == {} and len(result.results) == 2
    alone = run(recipes[1], dataset, tmp_path / "alone")
    # Another number of threads may add in another order.
    assert result.results[1].weight_spread == pytest.approx(alone.weight_spread, rel=1e-4)
    assert [r.recipe.task for r in finished_runs(tmp_path / "sweep")] == ["mine", "mine"]


def test_layers_of_the_users_file_are_found_when_a_run_goes_on(task, tmp_path):
    python = """
    import keras
    @keras.saving.register_keras_serializable(package="mine")
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2 * x
    def build(input_shape, classes, hidden=4):
        return keras.Sequential([
            keras.Input(input_shape), keras.layers.Dense(hidden, name="hidden"), Twice(), keras.layers.Dense(classes),
        ])
    """
    mine = task(CUSTOM_BUILD + SHORT, python, head=NO_RLCT)
    whole = run(mine.recipe, mine.load(), tmp_path / "whole")
    (tmp_path / "whole" / "metrics.json").unlink()
    mine = task(CUSTOM_BUILD + SHORT, python, head=NO_RLCT)
    resumed = run(mine.recipe, mine.load(), tmp_path / "whole", resume=True)
    assert resumed.metrics() == whole.metrics()


def test_an_unknown_task_is_answered_with_the_users_too(task):
    task()
    with pytest.raises(ValueError, match="Unknown task 'miine'.*'mine'"):
        find_task("miine")


RICH = """
    import keras

    def build(hidden, seed):
        inputs = keras.Input((2,))
        normal = keras.layers.BatchNormalization()(keras.layers.Dense(hidden, "relu", name="hidden")(inputs))
        scores = keras.layers.Dense(3)(keras.layers.Dropout(0.3, seed=seed)(normal))
        return keras.Model(inputs, scores)
"""


@pytest.mark.skipif(not transforms.FUNCTIONAL_OPTIMIZERS, reason="Keras's optimizers work in place on this backend")
def test_networks_of_a_file_trained_together_end_as_each_alone(task, tmp_path):
    """With a state that is no weight, dropout, and an optimizer with two moments."""
    mine = task(CUSTOM_BUILD + 'hidden = 5\n[training]\nepochs = 3\nbatch_size = 16\noptimizer = "adam"', RICH)
    dataset = mine.load()
    base = dataclasses.replace(mine.recipe, rlct=None)
    jobs = plan_sweep(grid(base, hidden=[5], aux_weights=[0, 1], seeds=[1, 2]), dataset, tmp_path / "runs").jobs
    assert jobs and all(map(can_be_trained_together, jobs))
    assert train_together(jobs, dataset) == {}
    for job in jobs:
        alone = compiled_model(find_task(job.recipe.task), job.recipe, dataset)
        mine.trainer(job.recipe, dataset).fit(alone, epochs=3, initial_epoch=0, callbacks=[])
        together = keras.models.load_model(job.folder / "model.keras")
        for one, other in zip(alone.get_weights(), together.get_weights(), strict=True):
            # Single precision, twelve steps of Adam, which divides by gradients however small: of weights of order 1.
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_the_values_of_a_sample_are_counted_inside_nested_models_too():
    inner = keras.Sequential([keras.Input((None,)), keras.layers.Embedding(9, 2), keras.layers.Flatten()])
    inputs = keras.Input((None,))
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Reshape((8,))(inner(inputs))))
    # Four tokens: the input; 4 · 2 embeddings; flat, of no known size; 8 by the reshape; 3 scores.
    assert ClassifierGraph(model).values_of_a_sample(longest=4) == 4 + 8 + 4 + 8 + 3


def test_the_schema_of_recipe_files_is_that_of_their_types():
    """To write it anew: `json.dumps(recipe_schema(), indent=2, ensure_ascii=False)`."""
    stored = Path(__file__).resolve().parents[3] / "docs" / "recipe.schema.json"
    assert json.loads(stored.read_text(encoding="utf-8")) == json.loads(json.dumps(recipe_schema()))
    sections = recipe_schema()["$defs"]
    assert set(sections["TrainingSection"]["properties"]["objective"]["anyOf"][0]["enum"]) == set(OBJECTIVES)
    assert "seed" not in sections["RLCTSection"]["properties"] and not sections["DataSection"]["additionalProperties"]


def _keywords(section: str, name: str) -> dict:
    """What the schema says of a setting, besides its type and description."""
    schema = recipe_schema()["$defs"][section]["properties"][name]
    parts = [
        schema,
        *schema.get("anyOf", []),
        *(inner for part in schema.get("anyOf", []) for inner in part.get("anyOf", [])),
    ]
    return {
        key: value for part in parts for key, value in part.items() if key[:3] in ("min", "max", "exc", "uni", "pat")
    }


@pytest.mark.parametrize(
    ("section", "name", "keywords", "least", "beyond"),
    [
        ("training", "epochs", {"minimum": 1, "maximum": 10**6}, 1, (0, 10**6 + 1)),
        ("training", "aux_weight", {"minimum": 0}, 0, (-0.1,)),
        ("training", "learning_rate", {"exclusiveMinimum": 0}, 1e-9, (0,)),
        ("training", "momentum", {"minimum": 0, "maximum": 1}, 0, (-0.1, 1.1)),
        ("training", "label_noise", {"minimum": 0, "maximum": 1}, 0, (-0.1, 1.1)),
        ("training", "seed", {"minimum": 0, "maximum": 2**32 - 1}, 0, (-1, 2**32)),
        ("model", "hidden", {"minimum": 1, "maximum": 10**7}, 1, (0, 10**7 + 1)),
        ("rlct", "num_chains", {"minimum": 1, "maximum": 10**9}, 1, (0, 10**9 + 1)),
        ("rlct", "burn_in", {"minimum": 0, "maximum": 10**9}, 0, (-1,)),
        ("rlct", "step_size", {"exclusiveMinimum": 0}, 1e-9, (0,)),
        ("rlct", "inverse_temperature", {"exclusiveMinimum": 0}, 1e-9, (0, -1)),
        ("rlct", "localization", {"minimum": 0}, 0, (-1,)),
    ],
)
def test_the_schema_has_the_ranges_that_the_reader_checks(write, section, name, keywords, least, beyond):
    kind = {"training": "TrainingSection", "model": "ModelSection", "rlct": "RLCTSection"}[section]
    assert _keywords(kind, name) == keywords
    read_recipe_file(write(f"[{section}]\n{name} = {least}"))
    for value in beyond:
        with pytest.raises(RecipeFileError, match=rf"\[{section}\]: {name} must "):
            read_recipe_file(write(f"[{section}]\n{name} = {value}"))


def test_the_schema_has_what_excludes_each_other_and_texts_that_say_nothing(write):
    sections = recipe_schema()["$defs"]
    assert [one["required"] for one in sections["DataSection"]["oneOf"]] == [
        ["arrays"],
        ["tfds"],
        ["images"],
        ["python"],
    ]
    assert sections["ModelSection"]["not"] == {"required": ["keras", "python"]}
    assert {"const": False} in sections["RecipeSections"]["properties"]["rlct"]["anyOf"]
    assert _keywords("ModelSection", "targets") == {"minItems": 1, "uniqueItems": True}
    assert _keywords("DataSection", "arrays") == {"minLength": 1}


def test_a_byte_order_mark_and_batches_of_one_sample_are_taken(write):
    file = write("[training]\nbatch_size = 1")
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    recipe = read_recipe_file(file).recipe
    assert (recipe.batch_size, recipe.rlct.batch_size) == (1, 2)


def test_the_largest_target_error_is_that_of_the_option():
    with pytest.raises(ValueError, match="target_error must be above 0 and at most 1. Received: target_error=2.0"):
        SamplingSettings(target_error=2.0)
    assert SamplingSettings(target_error=1.0, num_chains=2).target_error == 1.0
