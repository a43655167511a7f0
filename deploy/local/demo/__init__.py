"""The demonstration: a sample programme as workbooks, and a story played through the public HTTP API."""
