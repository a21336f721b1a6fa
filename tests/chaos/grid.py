"""What trades while things break: steps so small that something fills every second, and a stop-loss, without which a
leg that was opened at an extreme of the market waits there for the next one."""

from collections.abc import Mapping, Sequence

ACCOUNTS: Mapping[str, Sequence[str]] = {
    "main": ("BTCUSDT", "ETHUSDT"),
    "second": ("BTCUSDT", "SOLUSDT"),
}
EIGHT_BOTS: Mapping[str, Sequence[str]] = {
    "main": ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"),
    "second": ("BTCUSDT", "ETHUSDT", "XRPUSDT", "ADAUSDT"),
}
_BOT = """
[[accounts.bots]]
symbol = "{symbol}"
leverage = 10
initial_margin_usdt = 50
grid_step_pct = 0.06
size_multiplier = 1.1
max_levels = 8
take_profit_pct = 0.03
stop_loss_pct = 0.45
averaging_style = "{style}"
"""


def config(accounts: Mapping[str, Sequence[str]] = ACCOUNTS) -> str:
    """TOML of these accounts and symbols; every second bot averages by resting orders, so that cancels race fills."""
    text = 'mode = "paper"\n'
    for account, symbols in accounts.items():
        # The guard goes back to normal as soon as it may: five minutes of calm would be five minutes without trading.
        text += f'\n[[accounts]]\nid = "{account}"\n[accounts.guard]\ncalm_ms = 0\n'
        for number, symbol in enumerate(symbols):
            text += _BOT.format(symbol=symbol, style="resting" if number % 2 else "trigger")
    return text
