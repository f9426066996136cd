"""The many ways to name a handler: each finds the code that it names, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import durable_debug as dd
import pytest
from durable_debug.engine.handler_names import found

SAMPLES = Path(__file__).parents[2] / "sample_histories"
TEMPLATE = """
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: beta}
Globals:
  Function:
    Runtime: python3.13
    Environment: {Variables: {LEVEL: info, STAGE: !Ref Stage}}
Resources:
  OrderFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: shop.app.handler
      DurableConfig: {ExecutionTimeout: 3600}
      Environment: {Variables: {TABLE: !GetAtt Table.Arn, MOST: 3, DRY: true, TOPIC: !Sub "${Stage}-topic"}}
  Plain:
    Type: AWS::Lambda::Function
    Properties: {Code: src, Handler: shop.other.handler, Runtime: python3.13}
  Script:
    Type: AWS::Lambda::Function
    Properties: {Code: src, Handler: index.handler, Runtime: nodejs22.x}
  Table: {Type: AWS::DynamoDB::Table}
"""


@pytest.fixture(autouse=True)
def nothing_stays_imported():
    """Helper modules of these handlers have names that other tests give theirs, too."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(tempfile.gettempdir()):
            del sys.modules[name]


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A package with a helper module, committed, zipped, described by a template; then its helper was changed."""
    package = tmp_path / "src" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    source = (SAMPLES / "apps" / "payment.py").read_text()
    (package / "app.py").write_text(
        "from .payment import handler\nfrom .payment import handler as main\n"
        "def plain(event, context):\n    return 1\n"
    )
    (package / "payment.py").write_text(source)
    (package / "two.py").write_text(
        "from aws_durable_execution_sdk_python import durable_execution\n"
        "@durable_execution\ndef one(event, context):\n    return 1\n"
        "@durable_execution\ndef other(event, context):\n    return 2\n"
    )
    shutil.copy(SAMPLES / "payment_failed.json", tmp_path / "history.json")
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    with zipfile.ZipFile(tmp_path / "order.zip", "w") as packed:
        for path in package.glob("*.py"):
            packed.write(path, path.relative_to(tmp_path / "src"))
    monkeypatch.chdir(tmp_path)
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for name in [name for name in quiet if name.startswith("GIT_") and "CONFIG" not in name]:
        monkeypatch.delenv(name)
        del quiet[name]
    person = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*person, "commit", "-q", "-m", "as it was"]):
        subprocess.run(["git", *command], check=True, env=quiet)
    (package / "payment.py").write_text(
        source.replace('"charge-card"', '"charge"').replace("name='charge-card'", "")
    )
    assert (package / "payment.py").read_text() != source
    return tmp_path


NEW = [
    "src/shop/payment.py:handler",
    "src/shop/payment.py",
    "shop.payment.handler",
    "shop/payment.handler",
    "src.shop.payment.handler",
    "src/shop/app.py:handler",
    "shop.app.main",
    "template.yaml#OrderFunction",
    "template.yaml",
]
OLD = [
    "order.zip:shop.payment.handler",
    "order.zip:shop/payment.py",
    "order.zip:shop/payment.py:handler",
    "order.zip:shop.app.handler",
    "git:HEAD:src/shop/payment.py:handler",
    "git:HEAD:src/shop/payment.py",
    "git:HEAD:src/shop/app.py:handler",
]


@pytest.mark.parametrize("name", NEW)
def test_what_is_here_is_replayed_as_it_is_now(repository, name) -> None:
    run = dd.replay(name, "history.json")
    assert [one.kind for one in run.divergences] == ["renamed"], run.report()
    assert run.divergences[0].file == str(repository / "src" / "shop" / "payment.py")


@pytest.mark.parametrize("name", OLD)
def test_what_was_deployed_or_committed_is_replayed_as_it_was(repository, name) -> None:
    run = dd.replay(name, "history.json")
    assert run.ok and run.status == "FAILED", run.report()
    assert not run.operations[0].file.startswith(str(repository))


@pytest.mark.parametrize("against", OLD[::3])
@pytest.mark.parametrize("name", NEW[::3])
def test_no_form_takes_the_new_code_for_the_old(repository, name, against) -> None:
    report = dd.audit(name, "history.json", against=against, progress=False)
    assert not report.ok and [cause.divergence.kind for cause in report.causes] == ["renamed"]
    back = dd.audit(against, "history.json", against=name, progress=False)
    assert back.ok


def test_another_interpreter_takes_them_too(repository) -> None:
    for name in (*NEW[1::4], *OLD[::4]):
        here, there = (dd.replay(name, "history.json", python=python) for python in (False, sys.executable))
        assert here.divergences == there.divergences and here.status == there.status


def test_nothing_is_left_of_a_revision_or_an_archive(repository, tmp_path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    code = (
        "import durable_debug as dd\n"
        "assert dd.replay('git:HEAD:src/shop/payment.py', 'history.json').ok\n"
        "assert dd.replay('order.zip:shop.payment.handler', 'history.json').ok\n"
        "assert dd.audit('git:HEAD:src/shop/payment.py', 'history.json', progress=False).ok\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "TMPDIR": str(temporary)})
    assert list(temporary.glob("durable-debug-*")) == []
    listed = subprocess.run(["git", "worktree", "list"], check=True, capture_output=True, text=True).stdout
    assert len(listed.splitlines()) == 1


def test_a_template_gives_the_environment_as_far_as_it_has_it(repository) -> None:
    assert found("template.yaml#OrderFunction").env == {
        "LEVEL": "info",
        "STAGE": "beta",
        "MOST": "3",
        "DRY": "true",
        "TABLE": "<unrecorded>",
        "TOPIC": "beta-topic",
    }
    (repository / "template.json").write_text(
        json.dumps(
            {
                "Resources": {
                    "F": {
                        "Type": "AWS::Lambda::Function",
                        "Properties": {
                            "Code": "src",
                            "Handler": "shop.app.handler",
                            "Environment": {"Variables": {"A": {"Ref": "T"}, "B": "b"}},
                        },
                    }
                }
            }
        )
    )
    named = found("template.json")
    assert named.env == {"A": "<unrecorded>", "B": "b"} and named.text == "src/shop/app.py:handler"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("src/shop/payment.py:handlr", "Did you mean 'handler'"),
        ("src/shop/payment.py:lambda_function", "Its durable function is handler"),
        ("src/shop/two.py", r"2 durable functions: one, other\. Name one: 'src/shop/two.py:one'"),
        ("src/shop/__init__.py", "has no durable function"),
        ("src/shop/app.py:plain", "is not a durable function"),
        ("template.yaml#OrderFunctoin", "Did you mean 'OrderFunction'"),
        ("template.yaml#Nothing", "It has OrderFunction, Plain, Script"),
        ("template.yaml#Script", "is of nodejs22.x"),
        ("template.yaml#Plain", r"There is no shop\.other\.py in src|There is no .*other"),
        ("nowhere.yaml#F", "can't be read"),
        ("history.json#F", "is no template"),
        ("order.zip", "named without its handler"),
        ("order.zip:shop.nothing.handler", "There is no"),
        ("nowhere.zip:app.handler", "There is no file nowhere.zip"),
        ("template.yaml.zip:app.handler", "There is no file"),
        ("git:HEAD", "does not name a handler in a revision"),
        ("git:nowhere:src/shop/app.py:handler", "no revision 'nowhere'"),
        ("git:HEAD:src/nothing.py:handler", "There is no src/nothing.py in HEAD"),
        ("git:--help:src/shop/app.py:handler", "no revision"),
        ("shop.nothing.handler", "There is no module 'shop.nothing'"),
        ("handler", "does not name a handler"),
        ("", "does not name a handler"),
        (":", "does not name a handler"),
        ("a b.c", "does not name a handler"),
    ],
)
def test_what_means_nothing_says_what_may_be_meant(repository, name, says) -> None:
    with pytest.raises(dd.HandlerError, match=says):
        dd.replay(name, "history.json")


def test_a_broken_template_or_archive_is_told(repository) -> None:
    for content in (
        b"{",
        b"\xff\xfe\x00",
        b"a: &a [*a]",
        b"- 1",
        b"Resources: 5",
        b"x: !!python/object/apply:os.system [ls]",
    ):
        (repository / "broken.yaml").write_bytes(content)
        with pytest.raises(dd.HandlerError, match=r"broken\.yaml"):
            dd.replay("broken.yaml#F", "history.json")
    (repository / "broken.zip").write_bytes(b"no zip")
    with pytest.raises(dd.HandlerError, match="can't be unpacked"):
        dd.replay("broken.zip:app.handler", "history.json")
    with zipfile.ZipFile(repository / "evil.zip", "w") as packed:
        packed.writestr("../../outside.py", "x = 1")
    with pytest.raises(dd.HandlerError):
        dd.replay("evil.zip:app.handler", "history.json")
    assert not (repository.parent / "outside.py").exists()


def test_outside_of_a_repository_git_says_so(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(dd.HandlerError, match="git rev-parse failed"):
        dd.replay("git:HEAD:app.py:handler", SAMPLES / "payment_failed.json")


def test_a_handler_string_that_fits_several_files_names_them(repository) -> None:
    for service in ("billing", "orders"):
        folder = repository / "services" / service / "src"
        folder.mkdir(parents=True)
        shutil.copy(repository / "src" / "shop" / "payment.py", folder / "charge.py")
    with pytest.raises(
        dd.HandlerError, match=r"fits several files: services/billing/src/charge\.py and services/orders"
    ):
        dd.replay("charge.handler", "history.json")
    shutil.rmtree(repository / "services" / "billing")
    assert dd.replay("charge.handler", "history.json").divergences[0].file.endswith("orders/src/charge.py")
    shutil.copy(repository / "src" / "shop" / "payment.py", repository / "charge.py")
    (repository / "src" / "charge.py").write_text("")
    with pytest.raises(dd.HandlerError, match=r"charge\.py and src/charge\.py"):
        dd.replay("charge.handler", "history.json")


# ----------------------------------------------------------------- layouts of projects, and all forms that name a handler in them

# Where the package lies, whether its folders have an __init__.py, how its modules import each other, and what names its handler.
LAYOUTS = {
    "flat": (".", False, "from labels import", ["app.py", "app.py:handler", "app.handler", "app:handler"]),
    "package": (
        "shop",
        True,
        "from .labels import",
        ["shop/app.py", "shop.app.handler", "shop/app.handler", "shop.app:handler"],
    ),
    "src": (
        "src/shop",
        True,
        "from .labels import",
        ["src/shop/app.py:handler", "shop.app.handler", "src.shop.app.handler"],
    ),
    "src_absolute": ("src/shop", True, "from shop.labels import", ["src/shop/app.py", "shop.app.handler"]),
    "namespace": ("src/shop", False, "from .labels import", ["src/shop/app.py", "shop.app.handler"]),
    "namespace_absolute": (
        "src/shop",
        False,
        "from shop.labels import",
        ["src/shop/app.py", "shop.app.handler"],
    ),
    "src_in_its_name": (
        "src/shop",
        False,
        "from src.shop.labels import",
        ["src/shop/app.py", "src.shop.app.handler"],
    ),
    "deep": (
        "acme/web/shop",
        False,
        "from acme.web.shop.labels import",
        ["acme/web/shop/app.py", "acme.web.shop.app.handler"],
    ),
    "monorepo": (
        "services/shop/src/shop",
        True,
        "from shop.labels import",
        [
            "services/shop/src/shop/app.py",
            "shop.app.handler",
            "services/shop/template.yaml#Shop",
            "services/shop/template.yaml",
        ],
    ),
}
CASES = [(layout, form) for layout, (*_, forms) in LAYOUTS.items() for form in forms]
EVERYWHERE = [
    "order.zip:{inside}app.handler",
    "git:HEAD:{package}/app.py:handler",
    "git:HEAD:{package}/app.py",
]
CASES += [(layout, form) for layout in LAYOUTS for form in EVERYWHERE]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """``project("src")`` makes a project of that layout, with what it reads from its environment, zipped, and committed on request."""

    def made(layout: str, *, committed: bool = False) -> Path:
        where, has_init, imports, _ = LAYOUTS[layout]
        package = tmp_path / where
        package.mkdir(parents=True, exist_ok=True)
        source = (SAMPLES / "apps" / "payment.py").read_text()
        source = source.replace('name="charge-card"', "name=CHARGE_CARD")
        source = source.replace("\nimport ", f"\n{imports} CHARGE_CARD\nimport ", 1)
        assert "name=CHARGE_CARD" in source and f"{imports} CHARGE_CARD" in source
        (package / "app.py").write_text(source)
        (package / "labels.py").write_text(
            'import os\n\nTABLE = os.environ["TABLE_NAME"]\nCHARGE_CARD = "charge-card"\n'
        )
        folder = package
        while has_init and folder != tmp_path and folder.name != "src":
            (folder / "__init__.py").touch()
            folder = folder.parent
        shutil.copy(SAMPLES / "payment_failed.json", tmp_path / "history.json")
        if layout == "monorepo":
            service = tmp_path / "services" / "shop"
            (service / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
            (service / "template.yaml").write_text(
                "Resources:\n  Shop:\n    Type: AWS::Serverless::Function\n"
                "    Properties: {Runtime: python3.13, CodeUri: src, Handler: shop.app.handler}\n"
            )
        code = tmp_path / (where.rpartition("src/")[0] + "src" if "src" in where.split("/")[:-1] else ".")
        if layout == "src_in_its_name":
            code = tmp_path
        with zipfile.ZipFile(tmp_path / "order.zip", "w") as packed:
            for path in package.glob("*.py"):
                packed.write(path, path.relative_to(code))
        monkeypatch.chdir(tmp_path)
        quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        person = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
        commands = (["init", "-q"], ["add", "-A"], [*person, "commit", "-q", "-m", "a project"])
        for command in commands if committed else ():
            subprocess.run(["git", *command], check=True, env=quiet)
        inside = package.relative_to(code).as_posix().replace("/", ".")
        made.inside = "" if inside == "." else f"{inside}."
        return tmp_path

    return made


@pytest.mark.parametrize(("layout", "form"), CASES)
def test_each_form_finds_the_failing_line_in_each_layout(project, layout, form) -> None:
    root = project(layout, committed=form.startswith("git:"))
    form = form.format(inside=project.inside, package=LAYOUTS[layout][0])
    told = dd.why(str(root / "history.json"), form)
    assert told.run.ok and told.status == "FAILED", told.report()
    assert told.place.source.startswith("raise PaymentFailed") and told.place.file.endswith("app.py")
    assert [value.expression for value in told.values] == ["basket_id"]
    assert any("TABLE_NAME" in sentence for sentence in told.run.unchecked)


def test_what_a_module_imports_of_its_project_is_found_and_nothing_outside_of_it(project, tmp_path) -> None:
    root = project("monorepo")
    shared = root / "common"
    shared.mkdir()
    (shared / "money.py").write_text("CENTS = 100\n")
    app = root / "services" / "shop" / "src" / "shop" / "app.py"
    app.write_text(
        f"from common.money import CENTS\n{app.read_text().replace('from __future__ import annotations', '')}"
    )
    assert dd.replay("services/shop/src/shop/app.py", "history.json").ok
    (root.parent / "elsewhere_to_be_found").mkdir(exist_ok=True)
    (root.parent / "elsewhere_to_be_found" / "money.py").touch()
    app.write_text(app.read_text().replace("common.money", "elsewhere_to_be_found.money"))
    with pytest.raises(dd.HandlerError, match="elsewhere_to_be_found"):
        dd.replay("services/shop/src/shop/app.py", "history.json")


LAYERED = """
Parameters: {Stage: {Type: String, Default: beta}}
Globals:
  Function: {Runtime: python3.13, CodeUri: src, Layers: [!Ref Shared]}
Resources:
  Shared: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/shared}}
  Built: {Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: python3.13}, Properties: {ContentUri: layers/built}}
  Plain: {Type: AWS::Lambda::LayerVersion, Properties: {Content: layers/plain.zip}}
  Shop:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Layers: [!Ref Built, {Ref: Plain}, !Ref Nowhere, "arn:aws:lambda:eu-west-1:1:layer:other:1"]
      Environment: {Variables: {PYTHONPATH: "/var/task/vendored:/opt/extra", TABLE_NAME: !Sub "${Stage}-orders", WHERE: !GetAtt A.B}}
"""


def test_layers_of_a_template_are_on_the_import_path_as_on_lambda(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (
        "src/vendored",
        "layers/shared/python",
        "layers/shared/extra",
        "layers/built",
        "layers/shared/python/lib/python3.13/site-packages",
    ):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    for file in (
        "src/vendored/of_vendored.py",
        "layers/shared/python/of_shared.py",
        "layers/shared/extra/of_extra.py",
        "layers/built/of_built.py",
    ):
        (tmp_path / file).write_text("WHO = __name__\n")
    (tmp_path / "layers/shared/python/lib/python3.13/site-packages/of_installed.py").write_text(
        "WHO = __name__\n"
    )
    (tmp_path / "layers/shared/python/twice.py").write_text("WHO = 'shared'\n")
    with zipfile.ZipFile(tmp_path / "layers/plain.zip", "w") as packed:
        packed.writestr("python/of_plain.py", "WHO = __name__\n")
        packed.writestr("python/twice.py", "WHO = 'plain'\n")
        packed.writestr("python/late.py", "WHO = __name__\n")
    (tmp_path / "template.yaml").write_text(LAYERED)
    source = (SAMPLES / "apps" / "payment.py").read_text()
    start = source.index("\nimport ")
    needs = (
        "\nimport os, of_vendored, of_shared, of_extra, of_built, of_plain, of_installed, twice\n"
        "assert twice.WHO == 'plain' and os.environ['TABLE_NAME'] == 'beta-orders'\n"
    )
    (tmp_path / "src" / "app.py").write_text(source[:start] + needs + source[start:])
    shutil.copy(SAMPLES / "payment_failed.json", tmp_path / "history.json")
    before = list(sys.path)
    run = dd.replay("template.yaml#Shop", "history.json")
    assert run.ok, run.report()
    there = dd.replay("template.yaml#Shop", "history.json", python=sys.executable)
    assert there.ok, there.report()
    assert dd.audit("template.yaml#Shop", "history.json", progress=False).ok
    (tmp_path / "bare").mkdir()
    shutil.copy(tmp_path / "src" / "app.py", tmp_path / "bare" / "app.py")
    (tmp_path / "bare" / "of_vendored.py").touch()
    with pytest.raises(dd.HandlerError, match="of_shared"):  # what is on one function's path is on no other's
        dd.replay("bare/app.py", "history.json")
    assert [one for one in sys.path if one in before] == before


def test_handlers_that_are_compared_have_an_environment_and_layers_each_of_its_own(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = (
        (SAMPLES / "apps" / "payment.py").read_text().replace('name="charge-card"', "name=labels.CHARGE_CARD")
    )
    source = source.replace(
        "\nimport ", "\nimport os, labels\nassert os.environ['STAGE'] == labels.STAGE\nimport ", 1
    )
    for stage, name in (("old", "charge-card"), ("new", "charge")):
        for folder in ("src", "layer/python"):
            (tmp_path / stage / folder).mkdir(parents=True)
        (tmp_path / stage / "src" / "app.py").write_text(source)
        (tmp_path / stage / "layer" / "python" / "labels.py").write_text(
            f"CHARGE_CARD = {name!r}\nSTAGE = {stage!r}\n"
        )
        (tmp_path / stage / "template.yaml").write_text(
            "Resources:\n  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layer}}\n"
            "  F:\n    Type: AWS::Serverless::Function\n    Properties: {Runtime: python3.13, CodeUri: src, Handler: app.handler, "
            "Layers: [!Ref L], Environment: {Variables: {STAGE: %s}}}\n" % stage
        )
    shutil.copy(SAMPLES / "payment_failed.json", tmp_path / "history.json")
    report = dd.audit("new/template.yaml", "history.json", against="old/template.yaml", progress=False)
    assert [cause.divergence.kind for cause in report.causes] == ["renamed"] and report.rows[
        0
    ].no_baseline is None
    assert dd.audit("old/template.yaml", "history.json", against="new/template.yaml", progress=False).ok
    there = dd.audit(
        "new/template.yaml",
        "history.json",
        against="old/template.yaml",
        progress=False,
        python=sys.executable,
    )
    assert not there.ok and there.rows[0].no_baseline is None
