"""Files of recorded markets as more than one program reads them: the simulated exchange and the backtest."""
