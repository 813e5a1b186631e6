"""Simulated time, lines and machines: what tests of Tenure stand on, its own first.

The worlds in which everything goes wrong are built of it: `tenure.simulation`.
"""
