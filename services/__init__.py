"""Four self-contained systems with one log between them: they never import or call each other."""
