"""The IMDB experiment, with the settings that produced the paper's figures."""

from typing import TYPE_CHECKING

from keras_selfmodel.datasets import Dataset, padded, tokenize, vocabulary_size
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.task import Task
from keras_selfmodel.rlct import SamplingSettings

if TYPE_CHECKING:
    import keras

    from keras_selfmodel.words import WordTrainer


def _network(recipe: Recipe, dataset: Dataset) -> "keras.Model":
    from keras_selfmodel.models import text_classifier

    return text_classifier(
        vocabulary_size(dataset.x_train), hidden=recipe.hidden, classes=dataset.num_classes, seed=recipe.seed
    )


def _optimizer(recipe: Recipe) -> "keras.optimizers.Optimizer":
    import keras

    return keras.optimizers.SGD(recipe.learning_rate)


def _trainer(recipe: Recipe, dataset: Dataset) -> "WordTrainer":
    from keras_selfmodel.words import WordTrainer

    order = recipe.order(len(dataset.y_train))
    train = dataset.x_train[order], dataset.y_train[order]
    return WordTrainer(train, (list(dataset.x_test), dataset.y_test), recipe.batch_size)


IMDB = Task(
    recipe=Recipe(
        task="imdb",
        hidden=128,
        aux_weight=100.0,
        # The paper's variant is "pooled", the mean of the embeddings.
        targets=("hidden",),
        epochs=500,
        batch_size=64,
        learning_rate=0.1,
        momentum=0.0,
        seed=1,
        # The paper samples 1000 steps of 4 chains and averages the second half of them.
        rlct=SamplingSettings(
            convention="paper",
            sampler="sgld",
            step_size=1e-3,
            localization=10.0,
            num_chains=4,
            num_draws=500,
            burn_in=500,
            batch_size=64,
        ),
    ),
    inputs=padded,
    network=_network,
    optimizer=_optimizer,
    trainer=_trainer,
    prepare=tokenize,
    # A step sees nothing but the words of its batch, and draws no random numbers.
    without=("random-projection", "other-network", "weight-decay", "dropout", "lesions"),
    by_fit=False,
)
