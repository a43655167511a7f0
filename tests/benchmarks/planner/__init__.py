"""Benchmarks of the planner. None of them is a timed assertion; each prints a table and writes JSON."""
