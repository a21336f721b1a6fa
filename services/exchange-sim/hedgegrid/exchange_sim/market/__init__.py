"""What the public side shows of a symbol: ticker, candles, trades, book levels, and their publication."""
