"""Where Piccolo finds the migrations. They are plain SQL, so it needs to know no tables."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

APP_NAME = "switchboard"
VERSIONS = Path(__file__).parent / "versions"

APP_CONFIG = AppConfig(app_name=APP_NAME, migrations_folder_path=str(VERSIONS), table_classes=[])
