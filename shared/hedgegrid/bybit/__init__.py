"""Bybit V5: parsing, requests, errors, REST and sockets. The only importer of pybit.

Only ws_gateway and executor may import it. It must not know streams or strategy.
"""
