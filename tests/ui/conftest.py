"""A real Chromium, and two ways to a widget in it: `widget_page` (no kernel, well under a second) and `lab_page` (JupyterLab)."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from tests.ui.cells import as_not_run

BROWSERS = (
    os.environ.get("CHROMIUM") or "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# As root Chromium needs --no-sandbox; the rest keeps it from looking for its maker's hosts at every start.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser_name" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """pytest-playwright launches the system's own Chromium. Where there is none: a skip for a person, a failure in CI."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        say = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        say(
            "No Chromium: install Chromium or Chrome, or set CHROMIUM to its path; `make chromium` does it where apt-get may."
        )
    return {**browser_type_launch_args, "executable_path": found, "args": FLAGS}


# --- the cheap way: a widget's ESM on a bare page, over a model that this test drives ---------------------------------------

FAKE_MODEL = """
class FakeModel {
  constructor(state) { this.state = state; this.listeners = {}; this.sent = []; this.saved = {}; this.changed = {}; }
  get(name) { return this.state[name]; }
  set(name, value) {
    this.state[name] = value; this.changed[name] = value;
    this.emit(`change:${name}`, value); this.emit("change", value);
  }
  save_changes() { Object.assign(this.saved, this.changed); this.changed = {}; }
  send(content, callbacks, buffers) { this.sent.push(content); }
  on(names, callback) { for (const name of names.split(" ")) (this.listeners[name] ??= []).push(callback); }
  off(names, callback) {
    for (const name of (names ?? Object.keys(this.listeners).join(" ")).split(" "))
      this.listeners[name] = callback ? (this.listeners[name] ?? []).filter((one) => one !== callback) : [];
  }
  emit(name, ...args) { for (const callback of [...(this.listeners[name] ?? [])]) callback(...args); }
  widget_manager = { get_model: async () => { throw new Error("no other models on this page"); } };
}
async ({ esm, state }) => {
  const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  let widget = (await import(url)).default;
  URL.revokeObjectURL(url);
  if (typeof widget === "function") widget = await widget();
  const model = (window.model = new FakeModel(state));
  const signal = new AbortController().signal;
  await widget.initialize?.({ model, signal, experimental: {} });
  window.cleanup = await widget.render?.({ model, el: document.querySelector("#widget"), signal, experimental: {} });
}
"""


@dataclass
class WidgetPage:
    """A widget shown on a bare page, and the Python side's end of its model."""

    page: Any
    errors: list[str]

    @property
    def sent(self) -> list[Any]:
        """Custom messages that the widget sent, oldest first."""
        return self.page.evaluate("window.model.sent")

    @property
    def saved(self) -> dict[str, Any]:
        """Traits that the widget set and saved."""
        return self.page.evaluate("window.model.saved")

    def set(self, **traits: Any) -> None:
        """What the kernel does when a trait changes there."""
        self.page.evaluate(
            "traits => { for (const key in traits) window.model.set(key, traits[key]); }", traits
        )

    def message(self, content: Any) -> None:
        """What the kernel does to send a custom message."""
        self.page.evaluate("content => window.model.emit('msg:custom', content, [])", content)

    def close(self) -> None:
        """What a front end does when the output is cleared."""
        self.page.evaluate("() => { window.cleanup?.(); document.querySelector('#widget').remove(); }")


@pytest.fixture
def widget_page(page: Any) -> Iterator[Callable[..., WidgetPage]]:
    """Show a widget: ``widget_page(esm, state, css="", width=960, dark=False)``, `esm` and `css` as text or as a path.

    An error that the widget leaves uncaught, or writes to the console, fails the test at its end.
    """
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)

    def text(source: str | Path) -> str:
        return source.read_text(encoding="utf-8") if isinstance(source, Path) else source

    def show(
        esm: str | Path, state: dict[str, Any], css: str | Path = "", *, width: int = 960, dark: bool = False
    ) -> WidgetPage:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme="dark" if dark else "light")
        theme = 'data-jp-theme-light="false"' if dark else 'data-jp-theme-light="true"'
        page.set_content(
            f"<!doctype html><html><head><meta charset=utf-8></head><body {theme}><div id=widget></div></body></html>"
        )
        if css:
            page.add_style_tag(content=text(css))
        # Indirect eval, since playwright takes an expression and this is a class and a function.
        page.evaluate(
            "([code, given]) => (0, eval)(code)(given)", [FAKE_MODEL, {"esm": text(esm), "state": state}]
        )
        return WidgetPage(page, errors)

    yield show
    assert errors == []


# --- the whole way: JupyterLab ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Jupyter:
    """A running server. Notebooks below `root` can be opened in it."""

    url: str
    token: str
    root: Path

    def api(self, path: str, *, method: str = "GET") -> Any:
        """The answer of the server's REST interface."""
        request = urllib.request.Request(
            f"{self.url}/api/{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or "null")


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """One JupyterLab for all tests, with its settings, kernels and files in a temporary folder."""
    folder = tmp_path_factory.mktemp("jupyter")
    root = folder / "root"
    root.mkdir()
    home = {
        name: str(folder / name.lower())
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    home["JUPYTERLAB_SETTINGS_DIR"] = str(folder / "settings")
    home["JUPYTERLAB_WORKSPACES_DIR"] = str(folder / "workspaces")
    quiet = folder / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    jupyter = Jupyter(f"http://127.0.0.1:{port}", secrets.token_hex(16), root)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
    ]
    command += [
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root}",
        f"--IdentityProvider.token={jupyter.token}",
    ]
    command += ["--LabApp.extension_manager=readonly"]
    log = folder / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, cwd=root, env=os.environ | home, stdout=out, stderr=out)
    try:
        for _ in range(1_200):
            try:
                jupyter.api("status")
                break
            except (urllib.error.URLError, TimeoutError):
                assert server.poll() is None, log.read_text()
                time.sleep(0.1)
        else:
            pytest.fail(f"JupyterLab did not start within two minutes:\n{log.read_text()}")
        yield jupyter
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture
def lab_page(page: Any, jupyterlab: Jupyter) -> Iterator[Callable[..., Any]]:
    """Open a notebook in JupyterLab: ``lab_page(path)`` copies it below the server's root; the page returns with its kernel idle.

    ``lab_page(path, run=True)`` runs all its cells too, from a copy without outputs, and fails where one of them does.
    ``lab_page(path, beside=(folder, …))`` copies what the notebook reaches as ``../name``.
    """

    def open_notebook(
        path: Path, *, run: bool = False, beside: tuple[Path, ...] = (), timeout: float = 120
    ) -> Any:
        place = jupyterlab.root / secrets.token_hex(4)
        notebook = place / path.parent.name / path.name
        notebook.parent.mkdir(parents=True)
        document = path.read_text(encoding="utf-8")
        notebook.write_text(as_not_run(document) if run else document, encoding="utf-8")
        for other in beside:
            shutil.copytree(other, place / other.name)
        page.set_viewport_size({"width": 1400, "height": 1000})
        where = notebook.relative_to(jupyterlab.root).as_posix()
        page.goto(f"{jupyterlab.url}/lab/tree/{where}?token={jupyterlab.token}&reset")
        idle(page, timeout)
        if run:
            run_all(page, timeout)
        return page

    yield open_notebook
    page.close()
    for session in jupyterlab.api("sessions"):
        jupyterlab.api(f"sessions/{session['id']}", method="DELETE")


def idle(page: Any, timeout: float = 120) -> None:
    """Wait until the kernel of the notebook in front is idle."""
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for(timeout=timeout * 1000)


def run_all(page: Any, timeout: float = 120) -> None:
    """Run all cells from the menu (a shortcut sent early is dropped), wait for the last, and fail with what failed."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].map((one) => one.textContent);
            return prompts.some((text) => /\\d/.test(text)) && !prompts.some((text) => text.includes("*"));
        }""",
        timeout=timeout * 1000,
    )
    idle(page, timeout)
    failed = page.locator(
        ".jp-OutputArea-output", has_text="Traceback (most recent call last)"
    ).all_inner_texts()
    assert failed == [], "\n".join(failed)
