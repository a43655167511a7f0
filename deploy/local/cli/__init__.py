"""The command line: one file for each command or noun, each with ``register(app)``.

A module imports what it needs inside its commands, so that ``./gemba --help`` stays quick.
"""
