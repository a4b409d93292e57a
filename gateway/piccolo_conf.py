"""What Piccolo's own commands and its migrations look for: our engine, and the app that holds the migrations."""

from piccolo.conf.apps import AppRegistry

from inbox.kit.db import DB

__all__ = ["APP_REGISTRY", "DB"]

APP_REGISTRY = AppRegistry(apps=["migrations.piccolo_app"])
