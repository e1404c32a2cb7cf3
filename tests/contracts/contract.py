"""What the contract says, and whether an answer keeps to it.

The contract is a trimmed copy of the official SDK's API model (zuora-openapi.LICENSE.txt); it allows further fields
everywhere, so names are checked here as well.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

CONTRACT = json.loads((Path(__file__).parent / "zuora-openapi.json").read_text())
SCHEMAS = CONTRACT["components"]["schemas"]
PREFIX = "#/components/schemas/"


@cache
def validator(name: str) -> Draft202012Validator:
    schema = {"$ref": f"{PREFIX}{name}", "components": CONTRACT["components"]}
    return Draft202012Validator(schema, format_checker=FormatChecker())


def schema_name(path: str, method: str, status: int) -> str:
    """Return the schema of an answer by the template of its path."""
    responses = CONTRACT["paths"][path][method]["responses"]
    answer = responses.get(str(status)) or responses[f"{status // 100}XX"]
    return answer["content"]["application/json"]["schema"]["$ref"].removeprefix(PREFIX)


def unknown_names(value: Any, schema: dict[str, Any], at: str = "") -> list[str]:
    """Return every key that stands in no properties and is no custom field."""
    while "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].removeprefix(PREFIX)]
    if isinstance(value, list):
        return [
            name
            for place, one in enumerate(value)
            for name in unknown_names(one, schema.get("items", {}), f"{at}[{place}]")
        ]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    found = []
    for key, one in value.items():
        known = schema["properties"].get(key)
        if known is None and not key.endswith(("__c", "__NS")):
            found.append(f"{at}.{key}")
        found += unknown_names(one, known or {}, f"{at}.{key}")
    return found


def check(value: Any, name: str) -> None:
    """Insist that an answer has the types and the names of its schema."""
    errors = [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator(name).iter_errors(value)]
    assert not errors, (name, errors[:3])
    assert not unknown_names(value, SCHEMAS[name]), (name, unknown_names(value, SCHEMAS[name]))
