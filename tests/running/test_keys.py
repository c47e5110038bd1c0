"""What makes which sections stale, on a project whose notebooks' reads are written by hand."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_project import OWN_DATA, judged, write_notebook

from ninefold.project import Project
from ninefold.records import Record, write_record
from ninefold.running.plan import make_plan
from ninefold.running.staleness import libraries
from ninefold.running.staleness.contents import digest_of, digest_of_results
from ninefold.running.staleness.keys import completed, difference, outdated, own_keys
from ninefold.running.staleness.trace import READS
from ninefold.settings import find_setting

SUMMARY, BASELINE, FINAL = "2-data-summary", "4-baseline", "7-final-model"
CHECK, SIZES = "5-experiments/1-spot-check", "5-experiments/2-batch-size"
SEARCH = "6-improvements/1-random-search"
NOTEBOOKS = (SUMMARY, BASELINE, CHECK, SIZES, SEARCH, FINAL)
SETTINGS = OWN_DATA + "[harness]\nfolds = 10\n"
DATA, MODELS = "data/penguins.csv", "penguins/models.py"

# What each notebook reads, by the names that a trace gives to it.
FILES = {
    SUMMARY: (DATA, "data/"),
    BASELINE: (DATA, "penguins/simple.py"),
    CHECK: (DATA, MODELS, "data/extra.csv"),
    SIZES: (DATA, MODELS),
    SEARCH: (DATA, MODELS),
    FINAL: (DATA, MODELS),
}
SETTINGS_READ = {
    SUMMARY: ("data.target",),
    BASELINE: ("data.target", "harness.folds"),
    CHECK: ("data.target", "harness.folds", "harness.epochs"),
    SIZES: ("data.target", "harness.folds", "harness.epochs"),
    SEARCH: ("data.target", "harness.folds", "harness.epochs"),
    FINAL: ("data.target", "harness.folds"),
}
SECTIONS_READ = {CHECK: (BASELINE,)}


@pytest.fixture
def project(tmp_path):
    (tmp_path / "ninefold.toml").write_text(SETTINGS)
    (tmp_path / "data").mkdir()
    (tmp_path / DATA).write_text("mass,species\n3750,Adelie\n")
    (tmp_path / "penguins").mkdir()
    (tmp_path / MODELS).write_text("def network(): ...\n")
    (tmp_path / "penguins/simple.py").write_text("def linear(): ...\n")
    for name in NOTEBOOKS:
        write_notebook(tmp_path, name, prose="## Intent", parameters="rate = 0.1")
    settle(Project(tmp_path))
    return Project(tmp_path)


def settle(project, names=()):
    """Do what a run does, but for executing notebooks."""
    for step in make_plan(project, names, everything=not names, force=True):
        name = step.section.id
        folder = project.results_of(name)
        folder.mkdir(parents=True, exist_ok=True)
        lines = [{"watching": name}]
        for file in FILES.get(name, ()):
            lines.append({"file": file, "digest": digest_of(project.files, file)})
        for setting in SETTINGS_READ.get(name, ()):
            lines.append({"setting": setting, "value": find_setting(project.settings, setting)})
        for read in SECTIONS_READ.get(name, ()):
            found = digest_of_results(project.files, read)
            lines.append({"section": read, "digest": found})
        (folder / READS).write_text("".join(json.dumps(line) + "\n" for line in lines))
        key = completed(project, step, folder)
        assert not (folder / READS).exists()
        write_record(folder, Record(section=name, key=key))


def stale(project):
    fresh_look = Project(project.root)
    keys = own_keys(fresh_look)
    reasons = {section.id: keys.stale(section) for section in fresh_look.tasks}
    return {section: reason for section, reason in reasons.items() if reason}


def replace(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def with_readers(section, why):
    """Return the reasons where a section changed that those of 6 and 7 read."""
    reads = f"reads {section}, which is stale"
    return {section: why, **({SEARCH: reads} if section[0] == "5" else {}), FINAL: reads}


def test_settled_results_are_fresh(project):
    assert stale(project) == {}


def test_a_section_without_a_record_was_never_run(project):
    (project.results / BASELINE / "record.json").unlink()
    gone = f"reads {BASELINE}, which is gone"
    assert stale(project) == {
        BASELINE: "never run", CHECK: gone, FINAL: gone,
        SEARCH: f"reads {CHECK}, which is stale",
    }  # fmt: skip


def test_prose_outputs_and_descriptions_make_nothing_stale(project):
    path = project.root / "sections/4-baseline.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["source"] = "## Intent\n\nTo know the least that a model must do."
    notebook["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "1"}]
    notebook["cells"][1]["execution_count"] = 7
    path.write_text(json.dumps(notebook))
    replace(project.root / "ninefold.toml", 'title = "Penguins"', 'title = "P"\nauthor = "A"')
    assert stale(project) == {}


def test_changed_code_makes_its_section_and_its_readers_stale(project):
    replace(project.root / f"sections/{SIZES}.ipynb", "rate = 0.1", "rate = 0.2")
    assert stale(project) == with_readers(SIZES, "the notebook's code changed")


def test_what_read_a_section_is_stale_after_that_has_run_again(project):
    replace(project.root / f"sections/{SIZES}.ipynb", "rate = 0.1", "rate = 0.2")
    settle(Project(project.root), [SIZES])
    changed = f"reads {SIZES}, which changed"
    assert stale(project) == {SEARCH: changed, FINAL: changed}
    settle(Project(project.root), [SEARCH])
    settle(Project(project.root), [FINAL])
    assert stale(project) == {}


def test_a_section_that_only_a_run_saw_to_be_read_counts_too(project):
    replace(project.root / "penguins/simple.py", "...", "pass")
    assert stale(project) == {
        BASELINE: "penguins/simple.py changed",
        CHECK: f"reads {BASELINE}, which is stale",
        SEARCH: f"reads {CHECK}, which is stale",
        FINAL: f"reads {BASELINE}, which is stale",
    }


def test_what_read_a_point_that_is_no_more_is_stale_though_its_results_are_left(project):
    folder = project.results_of(FINAL)
    key = project.record(FINAL).key
    left = "5-experiments/2-batch-size@batch_size=16"
    write_record(project.results_of(left), Record(section=left, key={"code": "abc"}))
    read = {**key["sections"], left: digest_of_results(project.files, left)}
    write_record(folder, Record(section=FINAL, key={**key, "sections": read}))
    assert stale(project) == {FINAL: f"reads {left}, which is gone"}


def test_other_numbers_of_the_same_key_make_what_read_them_stale_but_not_other_seconds(project):
    folder = project.results_of(SIZES)
    record = project.record(SIZES)

    def found(score, seconds):
        costs = {"seconds": seconds, "prediction_seconds": {"median": seconds}}
        judgement = judged(score, fit_seconds=seconds, costs=costs)
        write_record(folder, record.model_copy(update={"evaluations": {"a": judgement}}))

    found(0.5, 1.0)
    changed = f"reads {SIZES}, which changed"
    assert stale(project) == {SEARCH: changed, FINAL: changed}
    settle(Project(project.root), [SEARCH])
    settle(Project(project.root), [FINAL])
    found(0.5, 2.0)
    assert stale(project) == {}
    found(0.6, 2.0)
    assert stale(project) == {SEARCH: changed, FINAL: changed}


def test_a_file_that_the_code_names_counts_unless_the_notebook_made_it(project):
    (project.root / "data/rows.parquet").write_text("1")
    (project.root / "data/made.csv").write_text("1")
    code = "pd.read_parquet('data/rows.parquet')\nframe.to_csv('data/made.csv')\nx = 'README.md'"
    write_notebook(project.root, BASELINE, code)
    (step,) = make_plan(Project(project.root), [BASELINE], force=True)
    folder = project.results_of(BASELINE)
    lines = ({"watching": BASELINE}, {"wrote": "data/made.csv"})
    (folder / READS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = digest_of(project.files, "data/rows.parquet")
    assert completed(project, step, folder)["files"] == {"data/rows.parquet": found}


def test_a_new_experiment_makes_its_readers_stale(project):
    write_notebook(project.root, "5-experiments/3-dropout", parameters="rate = 0.1")
    assert stale(project) == {
        "5-experiments/3-dropout": "never run",
        SEARCH: "reads 5-experiments/3-dropout, which is new",
        FINAL: "reads 5-experiments/3-dropout, which is new",
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "reason", "fresh"),
    [
        (DATA, "3750", "3751", f"{DATA} changed", ()),
        (MODELS, "...", "pass", f"{MODELS} changed", (SUMMARY, BASELINE)),
        (
            *("ninefold.toml", "folds = 10", "folds = 3"),
            *("harness.folds changed from 10 to 3", (SUMMARY,)),
        ),
        (
            *("ninefold.toml", "folds = 10", ""),
            *("harness.folds changed from 10 to unset", (SUMMARY,)),
        ),
        (
            *("ninefold.toml", "[harness]", "[harness]\nepochs = 7"),
            *("harness.epochs changed from 100 to 7", (SUMMARY, BASELINE, FINAL)),
        ),
        (
            *("ninefold.toml", '"species"', '"sex"'),
            *('data.target changed from "species" to "sex"', ()),
        ),
        ("ninefold.toml", "[harness]", "[harness]\nbatch_size = 7", "", NOTEBOOKS),
    ],
)
def test_a_change_makes_stale_what_read_it_and_nothing_else(project, file, old, new, reason, fresh):
    replace(project.root / file, old, new)
    expected = {name: reason for name in NOTEBOOKS if name not in fresh}
    if FINAL in fresh and expected:
        expected[FINAL] = f"reads {CHECK}, which is stale"
    assert stale(project) == expected


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("data/extra.csv", {SUMMARY: "what is in data/ changed", CHECK: "data/extra.csv is new"}),
        ("data/other.csv", {SUMMARY: "what is in data/ changed"}),
        ("penguins/layers.py", {}),
    ],
)
def test_a_new_file_is_news_to_what_looked_for_it(project, name, reasons):
    (project.root / name).touch()
    found = stale(project)
    assert {section: why for section, why in found.items() if "reads" not in why} == reasons


def test_line_ends_of_a_module_do_not_count(project):
    (project.root / MODELS).write_bytes(b"def network(): ...\r\n")
    assert stale(project) == {}


def test_a_parameter_in_the_settings_makes_its_section_and_readers_stale(project):
    with (project.root / "ninefold.toml").open("a") as file:
        file.write(f'[sections."{SEARCH}".parameters]\nrate = 0.123456789\n')
    why = "parameter rate changed from its default to 0.123456789"
    assert stale(project) == {SEARCH: why, FINAL: f"reads {SEARCH}, which is stale"}
    settle(Project(project.root))
    assert stale(project) == {}  # although records round floats to six digits


def test_a_change_while_a_section_runs_is_a_reason_afterwards(project):
    (step,) = make_plan(project, [BASELINE], force=True)
    folder = project.results_of(BASELINE)
    then = digest_of(project.files, DATA)
    lines = ({"watching": BASELINE}, {"file": DATA, "digest": then})
    (folder / READS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    replace(project.root / DATA, "3750", "3751")
    replace(project.root / "sections/4-baseline.ipynb", "rate = 0.1", "rate = 0.2")
    key = completed(project, step, folder)
    write_record(folder, Record(section=BASELINE, key=key))
    assert stale(project)[BASELINE] == "the notebook's code changed"
    replace(project.root / "sections/4-baseline.ipynb", "rate = 0.2", "rate = 0.1")
    assert stale(project)[BASELINE] == f"{DATA} changed"


def test_a_run_whose_trace_does_not_tell_all_is_never_fresh(project):
    (step,) = make_plan(project, [SUMMARY], force=True)
    assert completed(project, step, project.results_of(SUMMARY)) == {}
    write_record(project.results_of(SUMMARY), Record(section=SUMMARY, key={}))
    assert stale(project) == {SUMMARY: "its record does not say what it depended on"}


def test_another_version_of_a_library_is_a_reason_for_all(project, monkeypatch):
    installed = libraries.for_all()
    monkeypatch.setattr(libraries, "for_all", lambda: {**installed, "scikit-learn": "9.9"})
    why = f"scikit-learn changed from {installed['scikit-learn']} to 9.9"
    assert stale(project) == dict.fromkeys(NOTEBOOKS, why)
    monkeypatch.setattr(libraries, "for_all", lambda: {**installed, "numexpr": "2.10"})
    assert stale(project) == dict.fromkeys(NOTEBOOKS, "numexpr 2.10 is new")


def test_another_version_of_a_library_of_one_section_is_a_reason_for_that_alone(project):
    folder = project.results_of(SUMMARY)
    key = project.record(SUMMARY).key
    changed = {**key, "libraries": {**key["libraries"], "hypothesis": "1.0", "seaborn": "0.1"}}
    write_record(folder, Record(section=SUMMARY, key=changed))
    assert stale(project)[SUMMARY].startswith("hypothesis changed from 1.0 to ")
    del changed["libraries"]["hypothesis"]
    write_record(folder, Record(section=SUMMARY, key=changed))
    assert stale(project) == {SUMMARY: "seaborn 0.1 is gone"}


def test_a_report_is_out_of_date_by_the_projects_own_files_alone(project, monkeypatch):
    task = project.section(BASELINE)
    record = project.record(BASELINE)
    outside = {"/elsewhere/rows.csv": "abc", "../rows.csv": "abc"}
    away = {**record.key, "files": {**record.key["files"], **outside}}
    monkeypatch.setattr(libraries, "for_all", lambda: {"ninefold": "9"})

    def why(own):
        return outdated(own_keys(Project(project.root)), task, own)

    assert why(record.model_copy(update={"key": away})) is None
    assert why(record.model_copy(update={"key": {}})) is None
    replace(project.root / DATA, "3750", "3751")
    assert why(record) == f"{DATA} changed"


BROKEN = "its record is broken or of another version"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", BROKEN),
        ('{"record_schema": 0}', BROKEN),
        (
            '{"record_schema": 1, "section": "4-baseline"}',
            "its record does not say what it depended on",
        ),
        *(
            (f'{{"record_schema": 1, "section": "4-baseline", "key": {key}}}', BROKEN)
            for key in ("[]", '{"code": null}', '{"files": ["x"]}', '{"files": {"x": null}}')
        ),
        (
            '{"record_schema": 1, "section": "4-baseline", "key": {"models": {}, "data": "x"}}',
            "its record does not say what it depended on",
        ),
    ],
)
def test_a_broken_or_older_record_is_a_reason_not_a_crash(project, content, reason):
    (project.results / "4-baseline/record.json").write_text(content)
    assert stale(project)[BASELINE] == reason


def test_a_broken_notebook_is_a_reason_not_a_crash(project):
    (project.root / "sections/2-data-summary.ipynb").write_text("<html>")
    assert stale(project) == {SUMMARY: "its notebook cannot be read"}


def test_missing_data_is_a_reason_not_a_crash(project):
    (project.root / DATA).unlink()
    reasons = stale(project)
    assert reasons.pop(SUMMARY) == "what is in data/ changed"
    assert set(reasons.values()) == {f"{DATA} is gone"}


def test_a_failed_run_is_a_reason(project):
    (project.results / "4-baseline/failure").mkdir()
    assert stale(project)[BASELINE] == "its last run failed"


texts = st.text(max_size=5)
parts = st.dictionaries(texts.filter(bool), texts, max_size=3)
keys = st.fixed_dictionaries(
    {
        **{"code": texts, "parameters": parts, "settings": parts},
        **{"files": parts, "libraries": parts, "sections": parts},
    }
)


@given(keys, keys)
def test_two_keys_have_a_difference_exactly_where_they_differ(one, other):
    assert (difference(one, other) is None) == (one == other)
    assert difference(json.loads(json.dumps(one)), one) is None


@given(keys, st.sampled_from(["parameters", "settings", "files", "libraries", "sections"]), texts)
def test_a_difference_names_what_differs(key, part, name):
    changed = {**key, part: {**key[part], name: "something else"}}
    assert name in difference(key, changed)
    assert name in difference(changed, key)
