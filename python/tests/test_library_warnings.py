"""Each distinct warning is kept once with a count, not once per occurrence."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import Any

from falcon_exp.worker.trial.library_warnings import Notices


def in_process(code: str) -> tuple[str, str]:
    """Runs code that redirects warnings, in a process of its own because they are redirected for the whole process."""
    head = "import logging, warnings\nfrom falcon_exp.worker.trial.library_warnings import collect_library_warnings\n"
    command = [sys.executable, "-c", head + code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def listed(notices: Notices) -> dict[str, int]:
    return {notice["text"]: notice["count"] for notice in notices.listed()}


def test_equal_warnings_are_counted_and_different_ones_kept_apart() -> None:
    notices = Notices()
    for text in ("a", "b", "a"):
        notices.add("lib", text)
    assert listed(notices) == {"a": 2, "b": 1}


def test_warnings_with_ever_new_texts_are_bounded() -> None:
    notices = Notices()
    for number in range(1000):
        notices.add("lib", f"step {number}")
    counts: list[dict[str, Any]] = notices.listed()
    assert len(counts) == 101
    assert sum(notice["count"] for notice in counts) == 1000


def test_library_loggers_and_warnings_are_counted_and_nothing_reaches_stderr() -> None:
    out, err = in_process(
        "log = logging.getLogger('lib.part')\n"
        "log.addHandler(logging.StreamHandler())\n"
        "notices = collect_library_warnings()\n"
        "for _ in range(5): log.warning('cast from %s', 'bf16')\n"
        "log.warning('cast from %s', 'fp32')\n"
        "logging.getLogger('later').warning('new')\n"
        "log.info('not this')\n"
        "for _ in range(3): warnings.warn('old thing', DeprecationWarning)\n"
        "print([(n['source'], n['text'], n['count']) for n in notices.listed()])\n"
    )
    assert out.strip() == str(
        [
            ("lib.part", "cast from bf16", 5),
            ("lib.part", "cast from fp32", 1),
            ("later", "new", 1),
            ("DeprecationWarning", "old thing", 3),
        ]
    )
    assert err == ""


def test_arguments_that_can_change_are_read_anew_each_time() -> None:
    out, _ = in_process(
        "notices = collect_library_warnings()\n"
        "log = logging.getLogger('lib')\n"
        "seen = []\n"
        "for n in range(2):\n    seen.append(n)\n    log.warning('saw %s', seen)\n"
        "print([n['text'] for n in notices.listed()])\n"
    )
    assert out.strip() == str(["saw [0]", "saw [0, 1]"])


def test_a_malformed_log_call_ends_nothing() -> None:
    notices = Notices()
    notices.emit(logging.LogRecord("lib", logging.WARNING, "f", 1, "%d things", ("many",), None))
    assert listed(notices) == {"%d things": 1}
