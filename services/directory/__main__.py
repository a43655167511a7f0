"""`python -m services.directory`: one process of the service."""

from services.directory.main import create_app
from services.directory.settings import Settings
from shared.serve import serve

if __name__ == "__main__":
    serve(Settings, create_app)
