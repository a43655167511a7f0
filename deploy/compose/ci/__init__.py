"""Run the containers as a user would, on a machine that may have no engine and no image registry (`python -m deploy.compose.ci`).

It installs what is missing, makes base images, brings the stack up by the commands of docs/how-to/compose.md, plays the
demonstration's story on it, kills, scales and rolls it under load, backs it up and restores it, and leaves nothing behind.
"""
