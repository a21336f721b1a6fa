"""Misbehaviour on request: what may go wrong, when, and the edges of the exchange at which it is applied."""
