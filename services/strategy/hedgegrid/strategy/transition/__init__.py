"""From one config to another: what changes for each bot, what follows from it, and what must not happen."""
