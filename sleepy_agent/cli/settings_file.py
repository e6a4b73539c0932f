"""Change one setting in config.toml; comments, order and everything else stay as the user wrote them."""

from __future__ import annotations

from dataclasses import fields

import tomlkit
from tomlkit.exceptions import TOMLKitError

from sleepy_agent.config import Places, Settings, checked_value
from sleepy_agent.errors import BadUsage, cannot_write
from sleepy_agent.serving.manifest import write_atomically

NEW_FILE_MODE = 0o600


def write_setting(places: Places, key: str, value: str) -> None:
    """Set `key` to `value`. A file that is a link stays one, and what it leads to is changed.

    Raises BadUsage for a file that is no TOML and for a value that means nothing, CannotWrite.
    """
    defaults = {field.name: getattr(Settings(), field.name) for field in fields(Settings)}
    checked_value(key, value, defaults[key], "the settings")
    file = places.settings_file
    try:
        file = file.resolve()
        # Line ends are the user's, too.
        text, mode = file.read_bytes().decode("utf-8"), file.stat().st_mode & 0o777
    except (FileNotFoundError, NotADirectoryError):
        text, mode = "", NEW_FILE_MODE
    except UnicodeDecodeError as error:
        raise BadUsage(f"The settings in {file} are no text.", "Mend or delete that file.") from error
    except OSError as error:
        raise cannot_write(file, error) from error
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise BadUsage(f"The settings in {file} cannot be read: {error}.", "Mend or delete that file.") from error
    document[key] = value
    write_atomically(file, tomlkit.dumps(document).encode(), mode)
