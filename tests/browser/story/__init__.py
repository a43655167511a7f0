"""The chapters of the story as people click through it; `tests/browser/test_story.py` puts them in order."""
