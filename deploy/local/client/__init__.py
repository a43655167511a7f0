"""What the client commands stand on: finding the installation, asking its public HTTP API, printing.

Nothing here reaches a database or the log: the command line does what anybody with a token can do.
"""
