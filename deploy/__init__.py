"""How Gemba is put on machines: one (``local``), containers, a cluster."""
