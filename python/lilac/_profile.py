"""Which server to talk to, and as whom: what is given, the environment, or what `lilac_cli login` saved."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from ._errors import LilacError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def resolve(server: str | None, token: str | None, profile: str | None) -> tuple[str, str]:
    saved = _saved(profile or os.environ.get("LILAC_PROFILE") or None)
    address = server or os.environ.get("LILAC_SERVER") or saved.get("server")
    if not address:
        raise LilacError("no server is configured: give `server`, set LILAC_SERVER, or run `lilac_cli configure`")
    address = str(address).rstrip("/")
    given = token or os.environ.get("LILAC_TOKEN")
    if given:
        return address, given
    login = saved.get("login") or {}
    # A login belongs to the server that gave it and goes to no other.
    if not login.get("token") or str(saved.get("server", "")).rstrip("/") != address:
        raise LilacError(f"not logged in to {address}: give `token`, set LILAC_TOKEN, or run `lilac_cli login`")
    return address, str(login["token"])


def _saved(name: str | None) -> dict[str, Any]:
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    path = Path(os.environ.get("LILAC_CONFIG") or Path(home) / "lilac" / "cli.toml")
    try:
        stored: dict[str, Any] = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError):
        # The text may hold a token, so it is not quoted.
        raise LilacError(f"{path} cannot be read") from None
    name = name or stored.get("current")
    if name is None or name == "default":
        return stored
    found: dict[str, Any] = stored.get("profiles", {}).get(name, {})
    return found
