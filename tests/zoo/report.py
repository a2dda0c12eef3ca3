"""reports/zoo.json: each command merges its own keys into the file and leaves the others as they are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

PLACE = Path("reports/zoo.json")


def merge(found: dict[str, Any], place: Path = PLACE) -> None:
    """Writes some keys, whole or not at all.

    Raises:
        ValueError: what is there is no JSON object.
    """
    known = json.loads(place.read_text()) if place.exists() else {}
    if not isinstance(known, dict):
        raise ValueError(f"{place} holds no JSON object; delete it")
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f"{place.name}.{os.getpid()}")
    part.write_text(json.dumps({**known, **found}, indent=1) + "\n")
    part.replace(place)
