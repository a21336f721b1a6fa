"""Contact with Bybit V5: the only package that imports pybit. `parse` is pure and needs no pybit."""
