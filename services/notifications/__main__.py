"""`python -m services.notifications`: one process, told everything by its environment."""

from services.notifications.main import create_app
from services.notifications.settings import Settings
from shared.serve import serve

if __name__ == "__main__":
    serve(Settings, create_app)
