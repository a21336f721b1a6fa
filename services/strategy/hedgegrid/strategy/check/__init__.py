"""What a config can cost before anything trades: ladders, margins, liquidation, and every rule it breaks."""
