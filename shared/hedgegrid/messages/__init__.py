"""What travels on the streams: frozen, tagged, versioned market data, commands and events.

Pure; sits on the domain. It must not know streams, keys, Redis or the venue's wire format.
"""
