"""The account guard's judgement: what an account is worth and owes, and which risk stage follows. Pure.

`AccountBook` folds events into an `AccountView`, `measure` turns it into `Figures`, `decide` into a stage. The executor
and the backtest run the same three.
"""
