"""Malformed documents through the command line: one line that says where, exit code 2, and nothing written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.running import Allocator
from tests.documents.test_bad_documents import ENTRIES, FLEET, REFERENCES, SECRETS, TEXTS, Bad

EVERY = {
    **{
        f"entry: {name}": bad._replace(text="version: 1\n" + bad.text, line=bad.line + 1)
        for name, bad in ENTRIES.items()
    },
    **{f"reference: {name}": bad._replace(text=FLEET + bad.text) for name, bad in REFERENCES.items()},
    **{f"text: {name}": bad for name, bad in TEXTS.items()},
    **{f"secret: {name}": bad._replace(text="version: 1\n" + bad.text) for name, bad in SECRETS.items()},
}


def test_there_are_enough() -> None:
    assert len(EVERY) >= 40


@pytest.mark.parametrize("bad", EVERY.values(), ids=EVERY.keys())
def test_a_bad_document_is_told_in_one_line(bad: Bad, allocator: Allocator, tmp_path: Path) -> None:
    """R02, R09, R14: file, line and key, what is wrong, what might help; no ledger and no plan is made."""
    document = tmp_path / "bad.yaml"
    document.write_bytes(bad.text.encode(errors="surrogatepass"))
    run = allocator("place", "-f", document, "--ledger", f"sqlite:///{tmp_path}/ledger.db", "-o", tmp_path / "plan")
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith(f"{document}:{bad.line}: ")
    assert run.err.count("\n") == 1
    assert run.err.endswith("\n")
    assert run.err[:-1].isprintable()
    assert bad.key in run.err
    assert len(re.findall(r"\bMaybe\b", run.err)) == 1
    assert "Traceback" not in run.err
    assert "hunter2" not in run.err.replace("/etc/../hunter2", "")
    assert list(tmp_path.iterdir()) == [document]
    assert document.read_bytes() == bad.text.encode(errors="surrogatepass")


@pytest.mark.parametrize(
    "words", ["check", "audit", "explain", "list pools", "apply PLAN", "attach v --host h", "status --observe"]
)
def test_every_command_reads_documents_alike(words: str, allocator: Allocator, tmp_path: Path) -> None:
    ledger = f"sqlite:///{tmp_path}/ledger.db"
    good, bad, plan = tmp_path / "good.yaml", tmp_path / "bad.yaml", tmp_path / "plan.json"
    good.write_text("version: 1\n")
    bad.write_text("version: 1\npools: [{name: p, driver: none, zone: z}]\n")
    assert allocator("place", "-f", good, "--ledger", ledger, "-o", plan).code == 0
    run = allocator(*words.replace("PLAN", str(plan)).split(), "-f", bad, "--ledger", ledger)
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith(f"{bad}:2: pools[p].driver: There is no ")
