"""The one-machine mode: every server and service of Gemba on one host, without Docker.

``./gemba up`` starts PostgreSQL and Apache Kafka from Python wheels and jars, the four
services, one web origin and a dev inbox, and keeps them running. The tests start the same
PostgreSQL and the same Kafka from here, so nothing else ever pretends to be either of them.
"""
