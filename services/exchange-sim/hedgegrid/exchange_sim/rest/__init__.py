"""Bybit V5 REST endpoints: parameters in, documented row shapes out."""
