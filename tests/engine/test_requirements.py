"""A handler whose requirements are not installed: which, all at once, and where it can run."""

from __future__ import annotations

import sys
from pathlib import Path

import durable_debug as dd
import pytest

SAMPLES = Path(__file__).parents[2] / "sample_histories"


@pytest.fixture
def app(tmp_path, monkeypatch) -> Path:
    package = tmp_path / "orders"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "models.py").write_text(
        "from typing import TYPE_CHECKING\nimport of_models_missing.inner\n"
        "if TYPE_CHECKING:\n    import for_types_only\n"
        "try:\n    import may_be_missing\nexcept ImportError:\n    pass\n"
        "def late():\n    import needed_late\n"
    )
    (package / "app.py").write_text(
        "import os\nTABLE = os.environ['TABLE_NAME']\nfrom . import models\nfrom of_app_missing import thing\nimport json\n"
        "from aws_durable_execution_sdk_python import durable_execution\n"
        "@durable_execution\ndef handler(event, context):\n    return 1\n"
    )
    monkeypatch.chdir(tmp_path)
    return package / "app.py"


def refused(name: str, **options) -> str:
    with pytest.raises(dd.HandlerError) as error:
        dd.replay(name, SAMPLES / "payment_failed.json", **options)
    return str(error.value)


def test_all_that_is_missing_is_named_at_once_with_its_line(app) -> None:
    told = refused("orders.app.handler")
    assert "of_app_missing (app.py:4)" in told and "of_models_missing (models.py:2)" in told
    for other in (
        "for_types_only",
        "may_be_missing",
        "needed_late",
        "json",
        "TABLE_NAME",
        "durable_execution_sdk",
    ):
        assert other not in told
    assert "python='.venv'" in told and sys.prefix in told
    assert told == refused("orders.app.handler", python=sys.executable)


def test_the_projects_own_environment_is_named(app) -> None:
    environment = app.parent.parent / ".venv"
    environment.mkdir()
    (environment / "pyvenv.cfg").touch()
    assert ".venv/bin/python -m pip install aws-durable-execution-sdk-python" in refused("orders/app.py")
    (environment / "lib/python3.11/site-packages/aws_durable_execution_sdk_python").mkdir(parents=True)
    told = refused("orders/app.py", python=False)
    assert "python='.venv'" in told and "pip install" not in told


def test_what_is_missing_in_a_module_that_is_named_is_told(app, monkeypatch) -> None:
    monkeypatch.syspath_prepend(app.parent.parent)
    assert "of_models_missing" in refused("orders.app:handler")
