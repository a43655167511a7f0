"""`python -m services.scheduler`: one process of the service."""

from services.scheduler.main import create_app
from services.scheduler.settings import Settings
from shared.serve import serve

if __name__ == "__main__":
    serve(Settings, create_app)
