"""A config that differs from the one a bot ran by: a defined transition, told in the ledger, never a reset.

What the strategy names in `next_cycle_fields` an open cycle keeps in its own memory until it is flat; everything else
holds from this step on.
"""

from typing import Any

import msgspec

from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.ledger import ConfigChange, ConfigChanged
from hedgegrid.strategy.core.common_config import CommonConfig
from hedgegrid.strategy.core.draft import Draft


def note_config(draft: Draft[Any, Any]) -> None:
    """Take up the config of this step; call it when the config may be another than before."""
    before, now = draft.state.config, as_text(draft.config)
    if before == now:
        return
    draft.change(config=now)
    wanted = draft.config.trading_state
    if before:
        changes = tuple(
            ConfigChange(field=name, old=old, new=new, next_cycle=name in draft.strategy.next_cycle_fields)
            for name in sorted(before.keys() | now.keys())
            if (old := before.get(name, "")) != (new := now.get(name, ""))
        )
        draft.ledger.append(ConfigChanged(symbol=draft.state.symbol, changes=changes, ts_event=draft.now_ms))
    if before.get("trading_state", TradingState.ACTIVE) != wanted:
        draft.set_trading_state(wanted, "set in the config", "config")


def as_text(config: CommonConfig) -> dict[str, str]:
    """Fields as text; an absent one is left out."""
    values = msgspec.to_builtins(config)
    return {name: _text(value) for name, value in values.items() if value is not None}


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
