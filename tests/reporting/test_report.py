import base64
import csv
import dataclasses
import io
import json
import re
import shutil
from html.parser import HTMLParser
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.reporting import figure_bytes, report, report_html, sweep_figures, write_runs
from keras_selfmodel.reporting.figure_files import data_address
from keras_selfmodel.reporting.report import summary
from keras_selfmodel.rlct import Descent
from keras_selfmodel.studies import STATEMENTS, claims, studies_of
from tests.studies.made_up import estimate, made_up_grid, made_up_run, written

VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """What a browser would find: elements with attributes, text, and the rows of each table by its caption."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements, self.text, self.tables, self.open, self.cells = [], [], {}, [], []
        self._caption = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.cells = []
        if tag in ("td", "th"):
            self.cells.append("")
        if tag == "caption":
            self._caption = ""

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "caption":
            self.tables[self._caption] = []
        if tag == "tr":
            self.tables[self._caption].append(self.cells)
        if tag == "table":
            self._caption = None

    def handle_data(self, data):
        if self.open and self.open[-1] in ("script", "style"):
            return
        self.text.append(data)
        if "td" in self.open or "th" in self.open:
            self.cells[-1] += data
        elif self.open and self.open[-1] == "caption":
            self._caption += data

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))


def _page(runs, root) -> Page:
    page = Page(report_html(studies_of(runs), root))
    assert page.open == []
    return page


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    return folder, [written(run, folder / run.folder.name) for run in made_up_grid()]


@pytest.fixture(scope="module")
def page(sweep):
    folder, runs = sweep
    return _page(runs, folder)


def test_every_run_has_a_row(sweep, page):
    _, runs = sweep
    header, *rows = page.tables["All runs"]
    assert header[:5] == ["task", "H", "AW", "seed", "backend"] and header[-1] == "folder"
    assert [row[-1] for row in rows] == [run.folder.name for run in sorted(runs, key=lambda run: (
        run.recipe.hidden, run.recipe.aux_weight, run.recipe.seed))]  # fmt: skip
    for row, run in zip(
        rows, sorted(runs, key=lambda r: (r.recipe.hidden, r.recipe.aux_weight, r.recipe.seed)), strict=True
    ):
        assert row[5:9] == [f"{run.accuracy:.4f}", f"{run.weight_spread:.4f}", "0.0800", f"{run.rlct.value:.2f}"]


def test_measures_that_no_run_has_take_no_column(page):
    for caption in ("All runs", "Means and 95 % intervals over the seeds: MNIST"):
        header = page.tables[caption][0]
        assert "RLCT" in header and "RLCT after descent" not in header
        assert all(len(row) == len(header) for row in page.tables[caption])


def test_the_verdicts_come_first(sweep, page):
    _, runs = sweep
    (study,) = studies_of(runs)
    header, *rows = page.tables["Verdicts by number of hidden units H"]
    assert header == ["claim", "H = 64", "H = 512"]
    verdicts = {(claim.name, claim.hidden): claim.answer.verdict for claim in claims(study)}
    for name, row in zip(STATEMENTS, rows, strict=True):
        assert row[0] == STATEMENTS[name][0]
        assert [cell[2:] for cell in row[1:]] == [verdicts[name, 64], verdicts[name, 512]]
    assert list(page.tables)[0] == "Verdicts by number of hidden units H"
    places = [page.words.index(f" {heading} ") for heading in ("The paper's claims", "Figures", "Groups")]
    assert places == sorted(places)


def test_every_reason_and_criterion_is_there(sweep, page):
    _, runs = sweep
    (study,) = studies_of(runs)
    answered = claims(study)
    assert {claim.name for claim in answered} == set(STATEMENTS)
    for claim in answered:
        assert re.sub(r"\s+", " ", claim.answer.reason) in page.words
        assert claim.criterion in page.words


def test_the_papers_numbers_stand_beside_ours(page):
    rows = page.tables["The paper's numbers and ours: MNIST"]
    # 512 hidden units, AW 10: the paper has 0.088 and 52.5.
    papers = {(row[0], row[1], row[2]): row[4] for row in rows[1:]}
    assert papers["512", "weight spread", "10"] == "0.088"
    assert papers["512", "RLCT", "10"] == "52.5"
    assert papers["64", "RLCT", "50"] == "−5"


def test_nothing_is_loaded_from_elsewhere(page):
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "data", "action", "style"):
            if name in attributes:
                assert re.match(r"#[\w-]+$|data:", attributes[name]), (tag, attributes[name])
    policy = next(a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_style_and_script_load_nothing(sweep):
    folder, runs = sweep
    html = report_html(studies_of(runs), folder)
    assert not re.search(r"url\(|@import|https?://|fetch\(|XMLHttpRequest", html)


def test_the_figures_are_in_the_page(page):
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert len(images) == 4
    words = set()
    for image in images:
        kind, content = image["src"].split(",", 1)
        assert kind == "data:image/svg+xml;base64"
        figure = ElementTree.fromstring(base64.b64decode(content))
        words |= {element.text for element in figure.iter() if element.tag.endswith("}text")}
        assert image["alt"].startswith("MNIST: ")
    assert {"auxiliary weight AW", "epoch"} <= words


def test_figures_in_a_page_are_drawn_to_a_hundredth_of_a_point():
    figure = sweep_figures(studies_of(made_up_grid()))["figure-2-mnist"]
    figure.canvas.draw()
    figure.set_layout_engine("none")  # Its places depend on how often it was drawn.
    small = base64.b64decode(data_address(figure).split(",", 1)[1]).decode()
    content = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "font.sans-serif": ["DejaVu Sans"]}):
        figure.savefig(content, format="svg")
    whole = content.getvalue()

    def curves(text):
        lines = re.findall(r'<path d="([^"]*)"', text)
        return [[float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", line)] for line in lines]

    assert len(small) < len(figure_bytes(figure, "svg")) / 2
    assert len(curves(small)) == len(curves(whole)) > 8
    for ours, theirs in zip(curves(small), curves(whole), strict=True):
        # Half of the last digit that is kept.
        np.testing.assert_allclose(ours, theirs, atol=0.00501)


def test_tables_that_scroll_can_be_reached_by_keyboard(page):
    regions = [attributes for tag, attributes in page.elements if attributes.get("role") == "region"]
    assert regions and all(region["tabindex"] == "0" and region["aria-label"] for region in regions)


def test_no_path_of_a_machine_gets_in(sweep, tmp_path):
    run = written(made_up_run(10.0, 1, data_source="TFDS mnist 3.0.1, /home/someone/data"), tmp_path / "runs" / "a")
    html = report_html(studies_of([run]), tmp_path)
    assert str(tmp_path) not in html and "/home/someone" not in html
    assert "TFDS mnist 3.0.1" in html and "runs/a" in html


def test_settings_versions_and_data_are_listed(page):
    for words in ("batch size 512", "RLCT step size 0.0001", "keras 3.12.0", "devices cpu:0 cpu", "ab" * 32, "made up"):
        assert words in page.words


def test_versions_that_differ_are_counted(tmp_path):
    runs = [written(made_up_run(10.0, seed), tmp_path / str(seed)) for seed in (1, 2, 3)]
    made_by = runs[0].config.provenance
    made_by = dataclasses.replace(made_by, packages={**made_by.packages, "keras": "3.13.0"})
    runs[0] = dataclasses.replace(runs[0], config=dataclasses.replace(runs[0].config, provenance=made_by))
    assert "keras 3.13.0 (1 runs); 3.12.0 (2 runs)" in _page(runs, tmp_path).words


def test_hostile_text_is_shown_and_not_run(tmp_path):
    name = "<script>alert(1)</script>"
    run = made_up_run(
        10.0, 1, rlct=estimate(50.0, warnings=("<img src=x onerror=alert(1)>",)), data_source='"><b>source</b>'
    )
    run = written(run, tmp_path / name.replace("/", "∕"))
    page = _page([run], tmp_path)
    assert "<script>alert(1)" in page.words and "<img src=x onerror=alert(1)>" in page.words
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert not any(tag == "b" for tag, _ in page.elements)
    assert all(not name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_a_hostile_task_is_shown_and_not_run(tmp_path):
    page = _page(made_up_grid(hiddens=(8,), weights=(0, 1), seeds=(1,), task="<b>&amp;</b>"), tmp_path)
    assert "<b>&amp;</b>" in page.words and not any(tag == "b" for tag, _ in page.elements)


def test_what_speaks_against_runs_is_listed(tmp_path):
    runs = made_up_grid(hiddens=(64,), weights=(0, 10)) + [
        made_up_run(
            50.0,
            1,
            hidden=64,
            accuracy=0.11,
            rlct=estimate(-4.0),
            rlct_descended=estimate(9.0, anchor="descend", descent=Descent(0.5, 0.5, 0.0, 0)),
        ),
        made_up_run(
            50.0,
            2,
            hidden=64,
            accuracy=0.11,
            rlct=estimate(None, verdict="not to be used", warnings=("The chains left.",)),
        ),
    ]
    runs = [written(run, tmp_path / run.folder.name) for run in runs]
    runs.append(written(dataclasses.replace(runs[0]), tmp_path / "the same again"))
    unfinished = written(made_up_run(20.0, 1, hidden=64), tmp_path / "unfinished")
    (unfinished.folder / "metrics.json").unlink()
    page = _page(runs, tmp_path)
    assert "– (2 not to be used, left out)" in page.words
    words = page.words.split("Notes on runs")[-1]
    assert "Collapsed: the accuracy lies 20 points or more below the baseline's. (2 runs)" in words
    assert "The RLCT is not a number: the sampling diverged. (1 run) hidden64-aux50-seed2-jax" in words
    assert "RLCT: The chains left. (1 run)" in words
    assert "no lower loss" in [cell for row in page.tables["All runs"] for cell in row]
    assert "RLCT after descent: the descent found no lower loss, so it is measured at the trained weights." in words
    left_out = "The RLCT is not to be used: it is left out of means, comparisons and claims."
    assert f"{left_out} (1 run) hidden64-aux50-seed1-jax" in words
    assert "Left out: there is another run with the same settings and seed. (1 run) the same again" in words
    assert "Not finished. (1 run) unfinished" in words


def test_a_measure_of_which_nothing_can_be_used_keeps_its_column(tmp_path):
    unusable = estimate(-4.0, verdict="not to be used")
    runs = [made_up_run(weight, seed, hidden=64, rlct=unusable) for weight in (0.0, 10.0) for seed in (1, 2)]
    page = _page([written(run, tmp_path / run.folder.name) for run in runs], tmp_path)
    header, *rows = page.tables["Means and 95 % intervals over the seeds: MNIST"]
    assert [row[header.index("RLCT")] for row in rows] == ["– (2 not to be used, left out)"] * 2


def test_notes_that_differ_in_numbers_alone_are_one_note(tmp_path):
    sentences = ("R̂ = 1.099, above 1.05.", "R̂ = 1.2, above 1.05.", "R̂ = 1.060, above 1.05.", "R̂ = 1e-3 in H2.")
    runs = [made_up_run(10.0, seed, rlct=estimate(50.0, warnings=(text,))) for seed, text in enumerate(sentences, 1)]
    words = _page([written(run, tmp_path / str(run.recipe.seed)) for run in runs], tmp_path).words
    assert "RLCT: R̂ = 1.060 to 1.2, above 1.05. (3 runs) 1, 2, 3 " in words
    assert "RLCT: R̂ = 1e-3 in H2. (1 run) 4 " in words


def test_a_failed_run_is_listed_with_its_reason(tmp_path):
    run = written(made_up_run(10.0, 1), tmp_path / "good")
    failed = written(made_up_run(50.0, 1), tmp_path / "bad")
    (failed.folder / "metrics.json").unlink()
    RunFolder(failed.folder).write_failure("The loss is nan.")
    assert "Failed: The loss is nan. (1 run) bad" in _page([run], tmp_path).words


def test_a_subset_is_not_compared_with_the_paper(tmp_path):
    page = _page(made_up_grid(is_subset=True, paper=None), tmp_path)
    assert "Only part of the data set was used: not comparable with the paper." in page.words
    assert not any(caption.startswith("The paper's numbers") for caption in page.tables)


def test_other_settings_are_not_compared_with_the_paper(tmp_path):
    assert "The settings differ from the paper's" in _page(made_up_grid(epochs=3), tmp_path).words


def test_one_seed_is_a_report_too(tmp_path):
    words = _page([made_up_run(10.0, 1)], tmp_path).words
    assert "1 run on jax, 1 seed for each mean. Of 6 questions, 0 are answered yes, 0 no, and 6 are undecided" in words


def test_several_studies_have_sections_of_their_own(tmp_path):
    runs = made_up_grid(hiddens=(128,), task="imdb") + made_up_grid(seeds=(1, 2)) + made_up_grid(backend="torch")
    page = _page(runs, tmp_path)
    headings = [text.strip() for text in page.text]
    assert [h for h in headings if h in ("MNIST (jax)", "MNIST (torch)", "IMDB")][:3] == [
        "MNIST (jax)", "MNIST (torch)", "IMDB"
    ]  # fmt: skip
    links = [attributes["href"][1:] for tag, attributes in page.elements if tag == "a"]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert links == ids and len(set(ids)) == 5


def test_the_same_runs_make_the_same_page(tmp_path):
    runs = made_up_grid(hiddens=(64,), weights=(0, 1), seeds=(1, 2))
    assert report_html(studies_of(runs), tmp_path) == report_html(studies_of(list(reversed(runs))), tmp_path)


def test_a_page_of_many_runs_shows_some_and_names_the_file_of_all(sweep, tmp_path, monkeypatch):
    folder, runs = sweep
    found = studies_of(runs)
    assert write_runs(found, folder, tmp_path / "all.html") == "" and not any(tmp_path.iterdir())
    monkeypatch.setattr(report, "FIRST_ROWS", 5)
    monkeypatch.setattr(report, "ROWS", 7)
    monkeypatch.setattr(report, "NAMES", 2)
    (folder / "unfinished").mkdir()
    for name in "abc":
        written(runs[0], folder / "unfinished" / name)
        (folder / "unfinished" / name / "metrics.json").unlink()
    name = write_runs(found, folder, tmp_path / "all.html")
    text = report_html(found, folder, all_runs=name)
    page = Page(text)
    assert len(page.tables["All runs"]) == 1 + 5
    assert f"first 5 of {len(runs)} runs. All of them are in all-runs.csv. This page has 7." in page.words
    # What the page's script adds to the table, a piece at a time.
    further = json.loads(re.search(r'id="further-runs">(.+?)</script>', text)[1])
    monkeypatch.setattr(report, "FIRST_ROWS", 7)
    assert further == Page(report_html(found, folder, all_runs=name)).tables["All runs"][6:]
    assert "(3 runs) unfinished/a, unfinished/b and 1 more" in page.words
    with (tmp_path / "all-runs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["folder"] for row in rows) == sorted(run.folder.name for run in runs)
    assert {float(row["RLCT"]) for row in rows} == {run.rlct.value for run in runs}
    shutil.rmtree(folder / "unfinished")


def test_an_estimate_that_is_not_a_number_is_not_shown_as_one_that_was_not_made(tmp_path):
    runs = [
        written(made_up_run(0.0, 1, rlct=estimate(None)), tmp_path / "lost"),
        written(made_up_run(0.0, 2, rlct=estimate(50.0, std_error=2.0)), tmp_path / "fine"),
        written(made_up_run(0.0, 3, rlct=None), tmp_path / "none"),
    ]
    header, *rows = _page(runs, tmp_path).tables["All runs"]
    shown = {row[-1]: row[header.index("RLCT")] for row in rows}
    assert shown == {"lost": "not a number", "fine": "50.00 ± 2.00", "none": "–"}


def test_one_question_answered_yes_is_singular():
    (study,) = studies_of(made_up_grid(hiddens=(64,), weights=(0, 10)))
    found = [dataclasses.replace(one, answer=dataclasses.replace(one.answer, verdict=verdict)) for one, verdict in zip(
        claims(study)[:3], ("yes", "no", "not enough data"), strict=True)]  # fmt: skip
    (first, *_) = summary(study, found)
    assert "Of 3 questions, 1 is answered yes, 1 no, and 1 is undecided for lack of data." in first
    (first, *_) = summary(study, found[:1])
    assert "Of 1 question, 1 is answered yes, 0 no, and 0 are undecided" in first
