"""msgspec learns a type on its first use; a second thread that comes in between crashes the process.

So types are learnt where modules are imported (`msgspec.json.Decoder`), before there are threads.
"""

import ast

from tests.architecture.source_tree import ROOT, python_files

BY_ONE_THREAD = {
    "services/exchange-sim/hedgegrid/exchange_sim/accounts.py",
    "services/exchange-sim/hedgegrid/exchange_sim/faults/scenario.py",
    "services/metrics/hedgegrid/metrics/projection.py",
    "services/strategy/hedgegrid/strategy/stored_state.py",
    "shared/hedgegrid/runtime/conversion.py",
}
UNDER_A_LOCK = {"shared/hedgegrid/bybit/parse_rows.py"}


def learns_at_run_time(source: str) -> bool:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return any(
        isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name | ast.Attribute)
        and ast.unparse(call.func.value).startswith("msgspec")
        and (call.func.attr == "convert" or any(keyword.arg == "type" for keyword in call.keywords))
        for call in calls
    )


def test_types_are_learnt_at_import() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in python_files("shared", "services")
        if learns_at_run_time(path.read_text())
    }
    assert found == BY_ONE_THREAD | UNDER_A_LOCK


def test_such_a_call_is_noticed() -> None:
    assert learns_at_run_time("msgspec.json.decode(raw, type=Beat)")
    assert learns_at_run_time("msgspec.convert(row, kind)")
    assert not learns_at_run_time("_beat = msgspec.json.Decoder(Beat)\n_beat.decode(raw)")
