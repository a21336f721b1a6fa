"""Rolling budgets and their headers."""

from hedgegrid.exchange_sim.rate_limit import AccountBudgets, AddressBudgets, RollingBudget


def test_the_window_rolls() -> None:
    budget = RollingBudget(2)
    assert [budget.take(at).granted for at in (0, 500, 999, 1000, 1001, 1500)] == [1, 1, 0, 1, 0, 1]


def test_a_refusal_resets_in_the_future_and_a_pass_now() -> None:
    budget = RollingBudget(1)
    passed, refused = budget.take(100), budget.take(200)
    assert (passed.remaining, passed.reset_ms) == (0, 100)
    assert (refused.remaining, refused.reset_ms) == (0, 1100)


def test_a_batch_is_granted_in_part() -> None:
    verdict = RollingBudget(10).take(0, 12)
    assert (verdict.granted, verdict.remaining) == (10, 0)


def test_kinds_and_accounts_do_not_share() -> None:
    budgets = AccountBudgets({"create": 1, "cancel": 1})
    calls = [("a", "create"), ("a", "cancel"), ("b", "create"), ("a", "create")]
    verdicts = [budgets.take(account, kind, 0) for account, kind in calls]
    assert [verdict.granted for verdict in verdicts if verdict is not None] == [1, 1, 1, 0]
    assert budgets.take("a", "unlimited", 0) is None


def test_addresses_have_five_seconds() -> None:
    addresses = AddressBudgets(2)
    assert [addresses.allows("x", at) for at in (0, 1, 4999, 5000)] == [True, True, False, True]
    assert addresses.allows("y", 2)
