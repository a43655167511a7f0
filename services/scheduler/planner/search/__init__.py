"""Neighbourhood search over compact arrays, compiled by numba, for what one exact model cannot hold.

`problem` is what is asked and `state` where the search stands, both plain arrays; `day` prices one more visit on a trainer's
day, `chain` the best days of an enterprise's visits, `seat` takes visits in and out, `anneal` is the search and `run` its
driver. Nothing here knows the planner's public types: `compact` (beside this package) translates.
"""
