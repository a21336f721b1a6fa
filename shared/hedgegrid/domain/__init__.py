"""What the business is made of: instruments, orders, positions, money, ids, risk, trading states.

Pure and stdlib only. It must not import anything else of hedgegrid, do I/O, or read a clock.
"""
