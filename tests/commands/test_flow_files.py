"""import_flow, export_flow and check_flow: their lines, their exit codes, and nothing else on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Workspace
from flowbuilder.definition.canonical import canonical
from flowbuilder.models import Action, Email, Flow, Link, Requirement, Trigger

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CHECKOUT = HERE / "checkout.json"
SAMPLES = sorted(
    path
    for path in (ROOT.parent / "shared/klaviyo/samples").glob("*.json")
    if not path.name.startswith("error")
)
VALIDATE = ROOT.parent / "shared/klaviyo/validate.py"
Json = dict[str, Any]


@pytest.fixture
def body() -> Json:
    """The example without its slip: days of the week for a wait of an hour."""
    document: Json = json.loads(CHECKOUT.read_text())
    definition_of(document)["actions"][0]["data"]["delay_until_weekdays"] = None
    return document


def definition_of(body: Json) -> Json:
    definition: Json = body["data"]["attributes"]["definition"]
    return definition


def run(*args: str) -> tuple[list[Json], str]:
    """(lines of stdout, what went wrong) of a command that is called in this process."""
    out, err, wrong = StringIO(), StringIO(), ""
    try:
        call_command(*args, stdout=out, stderr=err)
    except CommandError as error:
        wrong = str(error)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return lines, err.getvalue() + wrong


def bring_in(*files: Path, name: str = "") -> tuple[list[Json], str]:
    return run("import_flow", *map(str, files), "--workspace", "shop", *(["--name", name] if name else []))


def written(folder: Path, name: str, value: Any) -> Path:
    path = folder / name
    path.write_bytes(
        value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode("utf-8")
    )
    return path


def rows() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in (Flow, Trigger, Action, Link)}


# --- In ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_example_comes_in_whole_with_a_note_on_what_klaviyo_would_refuse():
    lines, wrong = bring_in(CHECKOUT)
    [flow] = Flow.objects.all()
    note = {
        "code": "weekdays-left-out",
        "blocks": False,
        "text": "The weekdays of this delay were left out: they count only for delays in days.",
        "step": "56020948",
        "pointer": "/data/attributes/definition/actions/0/data/delay_until_weekdays",
    }
    [line] = lines
    assert line | {"problems": []} == {"file": str(CHECKOUT), "flow": flow.pk, "problems": []}
    assert line["problems"][0] == note
    assert {one["code"] for one in line["problems"][1:]} == {"no-consent"}
    assert wrong == ""
    assert (flow.name, flow.workspace.slug, flow.created_by) == ("Metric-triggered Flow", "shop", None)
    assert rows() == {"Flow": 1, "Trigger": 1, "Action": 4, "Link": 4}


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["body", "get", "result", "bare"])
def test_each_form_of_a_document_is_the_same_flow(form: str, body: Json, tmp_path: Path):
    inner = deepcopy(body)
    if form in ("get", "result"):
        inner["data"] |= {"id": "VGEpVt", "relationships": {}, "links": {}}
        for action in definition_of(inner)["actions"]:
            action["id"] = action.pop("temporary_id")
    shapes = {"body": inner, "get": inner, "result": {"result": inner}, "bare": definition_of(inner)}
    [line], wrong = bring_in(written(tmp_path, "flow.json", shapes[form]))
    assert ({one["code"] for one in line["problems"]}, wrong) == ({"no-consent"}, "")
    [exported], _ = run("export_flow", str(line["flow"]))
    assert definition_of(exported) == definition_of(body) | {"actions": definition_of(exported)["actions"]}
    assert canonical(exported) == canonical(body)


@pytest.mark.django_db
def test_the_workspace_is_made_once_with_a_name_from_its_slug():
    for _ in range(2):
        run("import_flow", str(CHECKOUT), "--workspace", "harbour-and-pine")
    assert [one.name for one in Workspace.objects.all()] == ["Harbour and pine"]
    assert Flow.objects.count() == 2


@pytest.mark.django_db
def test_a_workspace_that_is_no_slug_is_refused_before_anything_is_read():
    lines, wrong = run("import_flow", str(CHECKOUT), "--workspace", "no slug!")
    assert lines == []
    assert wrong.startswith("“no slug!” is no slug:")
    assert not Workspace.objects.exists()


@pytest.mark.django_db
def test_name_is_that_of_every_flow(body: Json, tmp_path: Path):
    bring_in(CHECKOUT, written(tmp_path, "b.json", body), name="Kassa övergiven ✓")
    assert [flow.name for flow in Flow.objects.all()] == ["Kassa övergiven ✓"] * 2


@pytest.mark.django_db
def test_an_incomplete_design_comes_in_with_its_problems(body: Json, tmp_path: Path):
    definition = definition_of(body)
    definition["actions"][3]["data"]["message"]["subject_line"] = ""
    definition["actions"][1]["links"] = {}
    [line], wrong = bring_in(written(tmp_path, "flow.json", body))
    assert wrong == ""
    assert line["flow"] == Flow.objects.get().pk
    assert line["problems"]
    for problem in line["problems"]:
        assert list(problem) == ["code", "blocks", "text", "step", "pointer"]
    [subject] = [one for one in line["problems"] if one["pointer"].endswith("/subject_line")]
    assert subject["step"] == "56065784"
    [exported], _ = run("export_flow", str(line["flow"]))
    assert at(exported, subject["pointer"]) == ""


def at(value: Any, pointer: str) -> Any:
    for part in pointer.strip("/").split("/"):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def no_flow(body: Json) -> Iterator[tuple[str, Any, str]]:
    """(name, what the file holds, a part of the sentence that says why it is no flow)."""
    yield "empty", b"", "line 1, column 1"
    yield "binary", bytes(range(200, 256)) * 9, "not text in UTF-8"
    yield "not json", b'{"data": ]', "line 1, column 10"
    yield "number", b"7", "a number, not a flow"
    yield "list", [], "a list, not a flow"
    yield "other thing", {"data": {"type": "segment", "attributes": {}}}, "holds a segment"
    yield "no definition", {"data": {"type": "flow", "attributes": {"name": "x"}}}, "no definition"
    yield "deep", b"[" * 200_000 + b"]" * 200_000, "nested too deeply"
    yield "deep but legal", b'{"a":' * 100 + b"1" + b"}" * 100, "nested too deeply"
    yield "not a number", b'{"triggers": [{"type": "metric", "id": NaN}], "actions": []}', "no number there"
    yield "half a letter", b'{"triggers": [], "actions": [], "name": "\\ud800"}', "cannot be kept"
    yield "huge number", b'{"triggers": [], "actions": [], "a": ' + b"9" * 5000 + b"}", "more digits"
    two = deepcopy(body)
    definition_of(two)["triggers"] *= 2
    yield "two triggers", two, "2 triggers"
    nowhere = deepcopy(body)
    definition_of(nowhere)["actions"][0]["links"]["next"] = "nobody"
    yield "link to nowhere", nowhere, "“56020948” leads to the step “nobody”"
    cycle = deepcopy(body)
    definition_of(cycle)["actions"][2]["links"]["next"] = "56020948"
    yield "cycle", cycle, "in a circle"
    doubled = deepcopy(body)
    definition_of(doubled)["actions"][2]["temporary_id"] = "56020948"
    yield "doubled id", doubled, "share the id “56020948”"
    yield "far too large", b" " * 2_000_001 + b"{}", "2,000,003 bytes"


CASES = list(no_flow(json.loads(CHECKOUT.read_text())))


@pytest.mark.django_db
@pytest.mark.parametrize(("content", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_no_flow_leaves_nothing_and_says_why(content: Any, said: str, tmp_path: Path):
    [line], wrong = bring_in(written(tmp_path, "f.json", content))
    assert line["flow"] is None
    assert said in " ".join(one["text"] for one in line["problems"])
    assert all(one["blocks"] and one["text"].endswith(".") for one in line["problems"])
    assert rows() == {"Flow": 0, "Trigger": 0, "Action": 0, "Link": 0}
    assert wrong == "1 of 1 files could not be imported."


@pytest.mark.django_db
def test_a_bad_file_never_stops_the_next(tmp_path: Path):
    closed = written(tmp_path, "closed.json", b"{}")
    files = [CHECKOUT, tmp_path / "none.json", tmp_path, Path("/dev/zero"), closed, CHECKOUT, Path("a\0b")]
    lines, wrong = bring_in(*files)
    assert [line["file"] for line in lines] == [str(file) for file in files]
    assert [line["flow"] is not None for line in lines] == [True, False, False, False, False, True, False]
    assert [line["problems"][0]["code"] for line in lines if line["flow"] is None] == [
        "no-file",
        "no-file",
        "too-large",
        "no-flow",
        "no-file",
    ]
    assert wrong == "5 of 7 files could not be imported."


# --- Out ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.skipif(not SAMPLES, reason="../shared/klaviyo/samples is not here: real flows are NOT tried")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_real_flow_comes_out_as_it_went_in(sample: Path):
    [line], _ = bring_in(sample)
    [body], wrong = run("export_flow", str(line["flow"]))
    assert wrong == ""
    document = json.loads(sample.read_text())
    assert canonical(body) == canonical(document)


@pytest.mark.django_db
@pytest.mark.skipif(not VALIDATE.exists(), reason="../shared/klaviyo/validate.py is not here: NOT validated")
def test_what_is_exported_fits_the_published_schema(tmp_path: Path):
    lines, _ = bring_in(CHECKOUT, *SAMPLES)
    bodies, _ = run("export_flow", *(str(line["flow"]) for line in lines))
    files = [str(written(tmp_path, f"{index}.json", body)) for index, body in enumerate(bodies)]
    told = subprocess.run(
        [sys.executable, str(VALIDATE), *files], capture_output=True, text=True, timeout=120
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-2000:]


@pytest.mark.django_db
def test_questions_are_replaced_by_their_defaults_and_contents_left_out():
    flow = Flow.objects.create(workspace=Workspace.objects.create(slug="w", name="W"), name="Asked")
    Trigger.objects.create(flow=flow, type="metric", config={"id": {"$ask": "order"}})
    message = {"from_email": {"$ask": "who", "part": "email"}, "template_id": {"$content": "mail-1"}}
    action = Action.objects.create(flow=flow, key="s1", type="send-email", config={"message": message})
    Link.objects.create(flow=flow, target=action)
    Requirement.objects.create(flow=flow, key="order", kind="metric", question="?", default="Xyz123")
    default = {"email": "a@example.com", "label": "A"}
    Requirement.objects.create(flow=flow, key="who", kind="sender", question="?", default=default)
    Email.objects.create(workspace=flow.workspace, key="mail-1", name="Mail", html="<p>Hi</p>")
    [body], _ = run("export_flow", str(flow.pk))
    definition = definition_of(body)
    assert definition["triggers"][0]["id"] == "Xyz123"
    assert definition["actions"][0]["data"]["message"]["from_email"] == "a@example.com"
    assert definition["actions"][0]["data"]["message"]["template_id"] is None


@pytest.mark.django_db
@pytest.mark.parametrize("unknown", ["0", "-1", "99999", "9" * 30, "abc", "²", "1.0", ""])
def test_an_unknown_flow_is_said_and_the_others_are_printed(unknown: str):
    lines, _ = bring_in(CHECKOUT, CHECKOUT)
    first, second = (str(line["flow"]) for line in lines)
    bodies, wrong = run("export_flow", "--", second, unknown, first)
    assert len(bodies) == 2
    assert f"There is no flow {unknown}." in wrong
    assert wrong.endswith("1 of 3 flows are not there.")


# --- Check -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_check_lists_problems_and_minds_only_those_that_block(body: Json, tmp_path: Path):
    for action in definition_of(body)["actions"]:
        if action["type"] == "send-email":
            action["type"], action["data"] = "code", {}
    [kept], _ = bring_in(written(tmp_path, "kept.json", body))
    lines, wrong = run("check_flow", str(kept["flow"]))
    assert ([line["code"] for line in lines], wrong) == (["kept"], "")
    assert lines == kept["problems"]

    empty = Flow.objects.create(workspace=Workspace.objects.get(), name="Empty")
    lines, wrong = run("check_flow", str(empty.pk))
    assert {line["code"] for line in lines} == {"no-trigger", "no-steps"}
    assert wrong == "2 problems keep “Empty” from being published."

    assert run("check_flow", "31337") == ([], "There is no flow 31337.")


# --- As processes ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where commands run for themselves: a database of their own, and a terminal that knows only ASCII."""
    folder = tmp_path_factory.mktemp("commands")
    var = {"VAR_DIR": str(folder), "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3"}
    surroundings = {**os.environ, **var, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    manage(surroundings, "migrate", "--skip-checks", "--verbosity", "0")
    return surroundings


def manage(environment: dict[str, str], *args: str) -> subprocess.CompletedProcess[bytes]:
    call = [sys.executable, str(ROOT / "manage.py"), *args]
    return subprocess.run(call, env=environment, capture_output=True, timeout=60, check=False)


def test_processes_exit_as_promised_and_print_nothing_but_their_lines(
    environment: dict[str, str], tmp_path: Path, body: Json
):
    body["data"]["attributes"]["name"] = "Überraschung 🎁 日本"
    good = written(tmp_path, "góod.json", body)
    done = manage(environment, "import_flow", str(good), "--workspace", "shop")
    assert done.returncode == 0, done.stderr
    [line] = [json.loads(one) for one in done.stdout.decode().splitlines()]
    assert line["file"] == str(good)
    assert done.stderr == b""

    mixed = manage(environment, "import_flow", "none.json", str(good), "--workspace", "shop")
    assert mixed.returncode == 1
    assert [json.loads(one)["flow"] for one in mixed.stdout.decode().splitlines()] == [None, line["flow"] + 1]
    assert b"1 of 2 files" in mixed.stderr

    exported = manage(environment, "export_flow", str(line["flow"]), "777")
    assert exported.returncode == 1
    assert exported.stderr.decode().splitlines()[0] == "There is no flow 777."
    [out] = exported.stdout.decode().splitlines()
    assert "Überraschung 🎁 日本" in out
    assert json.loads(out)["data"]["attributes"]["name"] == "Überraschung 🎁 日本"

    checked = manage(environment, "check_flow", str(line["flow"]))
    assert (checked.returncode, checked.stderr) == (0, b"")
    assert [json.loads(one)["code"] for one in checked.stdout.splitlines()] == ["no-consent"]


def test_a_file_name_that_is_no_text_is_told_in_json(environment: dict[str, str], tmp_path: Path):
    path = os.fsencode(tmp_path) + b"/\xff.json"
    Path(os.fsdecode(path)).write_bytes(CHECKOUT.read_bytes())
    call = [sys.executable, str(ROOT / "manage.py"), "import_flow", path, "--workspace", "shop"]
    done = subprocess.run(call, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert os.fsencode(json.loads(done.stdout)["file"]) == path
