"""Worlds in which everything goes wrong, real code in them, and checkers that judge them.

`simulate.live(seed)` lives one; `python -m tenure.simulation` many. docs/testing.md tells the rest.
"""
