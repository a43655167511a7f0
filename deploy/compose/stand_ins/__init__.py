"""Base images made here, for machines without an image registry: Debian by debootstrap, the rest from the project's locks.

They stand in for ``python:…-slim``, ``apache/kafka``, ``postgres`` and ``caddy``: the same paths, users, volumes, start
scripts and variables, as far as docker-compose.yml and the tests use them. Nobody who can pull images needs them.
"""
