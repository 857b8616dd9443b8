import numpy as np
import pytest

from keras_selfmodel import datasets
from keras_selfmodel.datasets import tokenizing
from keras_selfmodel.datasets.english import basic_english


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("A Fine FILM", ["a", "fine", "film"]),
        ("don't", ["don", "'", "t"]),
        ('a "great" film', ["a", "great", "film"]),
        ('un"broken', ["unbroken"]),
        ("end. Wait...", ["end", ".", "wait", ".", ".", "."]),
        ("one,two (three)!?", ["one", ",", "two", "(", "three", ")", "!", "?"]),
        ("first<br /><br />second", ["first", "second"]),
        ("a<br/>b", ["a<br/>b"]),  # only the form that the reviews have
        ("this; that: 7:30", ["this", "that", "7", "30"]),
        (" tabs\tand\nlines  ", ["tabs", "and", "lines"]),
        ("half-hearted 8/10 très", ["half-hearted", "8/10", "très"]),
    ],
)
def test_the_rules_of_basic_english(text, tokens):
    assert basic_english(text) == tokens


def made_up(train: list[str], test: list[str], digest: str = "") -> datasets.Dataset:
    arrays = [np.array(texts, dtype=object) for texts in (train, test)]
    labels = [np.zeros(len(texts), np.int32) for texts in (train, test)]
    return datasets.Dataset(
        "imdb", arrays[0], labels[0], arrays[1], labels[1], num_classes=2, source="", digest=digest, is_subset=False
    )


def test_frequent_words_come_first_and_unknown_words_are_0():
    tokenized = datasets.tokenize(made_up(["b a a", "c a b d"], ["d e a E"]))
    assert [text.tolist() for text in tokenized.x_train] == [[2, 1, 1], [3, 1, 2, 4]]
    assert [text.tolist() for text in tokenized.x_test] == [[4, 0, 1, 0]]
    assert tokenized.x_train[0].dtype == np.int32
    assert datasets.vocabulary_size(tokenized.x_train) == 5


def test_texts_of_one_length_and_empty_texts_stay_texts():
    tokenized = datasets.tokenize(made_up(["a b", "b a"], ["", "a"]))
    assert tokenized.x_train.shape == (2,) and tokenized.x_test.shape == (2,)
    assert [len(text) for text in tokenized.x_test] == [0, 1]


def test_the_second_time_tokens_come_from_the_cache(monkeypatch):
    texts = made_up(["b a a", "c a b d"], ["d e a", ""], digest="ab" * 32)
    first = datasets.tokenize(texts)
    monkeypatch.setattr(tokenizing, "_with_vocabulary", None)
    again = datasets.tokenize(texts)
    for split in ("x_train", "x_test"):
        for one, other in zip(getattr(first, split), getattr(again, split), strict=True):
            np.testing.assert_array_equal(one, other)


def test_other_texts_of_that_name_are_not_taken_from_the_cache():
    datasets.tokenize(made_up(["a"], ["a"], digest="ab" * 32))
    tokenized = datasets.tokenize(made_up(["a b"], ["a"], digest="cd" * 32))
    assert tokenized.x_train[0].tolist() == [1, 2]


def test_padding_stands_behind_the_tokens_and_is_no_token():
    texts = [np.array([3, 0, 1]), np.array([], int), np.array([2])]
    assert datasets.padded(texts).tolist() == [[3, 0, 1], [-1, -1, -1], [2, -1, -1]]
    assert datasets.padded(texts, 4).shape == (3, 4)


@pytest.mark.realdata
@pytest.mark.usefixtures("shared_cache")
def test_imdb_has_the_papers_vocabulary(real_data):
    imdb = datasets.load("imdb", real_data)
    tokenized = datasets.tokenize(imdb)
    lengths = np.array([len(text) for text in tokenized.x_train])
    assert datasets.vocabulary_size(tokenized.x_train) == 100_683
    assert (lengths.max(), round(lengths.mean())) == (2752, 271)
    # Word by word, by a dictionary and nothing else.
    counts: dict[str, int] = {}
    for text in imdb.x_train:
        for word in basic_english(text):
            counts[word] = counts.get(word, 0) + 1
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    for number in (0, 12_345, 24_999):
        assert [ranked[token - 1] for token in tokenized.x_train[number]] == basic_english(imdb.x_train[number])
        wanted = [word if word in counts else None for word in basic_english(imdb.x_test[number])]
        assert [ranked[token - 1] if token else None for token in tokenized.x_test[number]] == wanted
