"""A terminal of its own for a program: what it prints, and keys that are pressed."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from pathlib import Path

from tests.patience import PATIENCE, comes

CTRL_C, CTRL_D, TAB = "\x03", "\x04", "\t"


class Terminal:
    """A program that runs in a terminal of 80 columns."""

    def __init__(self, *command: object, **environment: str) -> None:
        arguments = [os.fspath(one) if isinstance(one, os.PathLike) else str(one) for one in command]
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.execve(arguments[0], arguments, {**os.environ, "COLUMNS": "80", "LINES": "24", **environment})
        self.text = ""  # all that it has printed
        self._unread = ""

    def press(self, keys: str) -> None:
        typed, interrupt, rest = keys.partition(CTRL_C)
        os.write(self._fd, typed.encode())
        if interrupt:  # Python's readline misses one that comes while it is not waiting
            self.sleeps()
            os.write(self._fd, CTRL_C.encode())
            self.press(rest)

    def until(self, text: str) -> str:
        """Wait for a text to be printed; give what was printed since the last wait, up to it."""
        give_up = time.monotonic() + PATIENCE
        while text not in self._unread and time.monotonic() < give_up:
            if not select.select([self._fd], [], [], 0.1)[0]:
                continue
            try:
                read = os.read(self._fd, 65536).decode(errors="replace")
            except OSError:  # it has ended
                break
            self.text += read
            self._unread += read
        assert text in self._unread, f"{text!r} never came; there was {self.text!r}"
        found, _, self._unread = self._unread.partition(text)
        return found

    def sleeps(self) -> None:
        """Wait until the program waits for something, where the system tells that."""
        state = Path(f"/proc/{self._pid}/stat")
        if state.exists():
            assert comes(lambda: state.read_text().rpartition(")")[2].split()[0] == "S")

    def ends(self) -> int:
        """Wait for the program to end, and give its exit code."""
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            if select.select([self._fd], [], [], 0.01)[0]:
                try:
                    self.text += os.read(self._fd, 65536).decode(errors="replace")
                except OSError:
                    pass
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._pid = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"it goes on; there was {self.text!r}")

    def close(self) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._fd)
