"""`python -m services.visits`: one process of the service."""

from services.visits.main import create_app
from services.visits.settings import Settings
from shared.serve import serve

if __name__ == "__main__":
    serve(Settings, create_app)
