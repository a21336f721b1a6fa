"""The trade ledger: one SQLite file with every order, execution, funding row, cycle and change of state.

Its tables and how they are read. Only the metrics service writes it; the operator's reports open it read-only.
"""
