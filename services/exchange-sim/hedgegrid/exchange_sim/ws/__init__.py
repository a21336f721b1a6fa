"""Bybit V5 WebSocket: frames, connections, topics and who is subscribed to what."""
