"""exchange-sim: a Bybit-V5-compatible exchange (REST, public and private WebSocket) over `hedgegrid.venue`."""
