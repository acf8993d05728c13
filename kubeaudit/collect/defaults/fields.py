"""Small steps on the fields of an object that may have any type: what has the wrong one is passed over."""

Fields = dict[str, object]


def copied(fields: Fields) -> Fields:
    """A copy that shares no list or mapping with the original."""
    return {key: _copied(value) for key, value in fields.items()}


def put(fields: Fields, **defaults: object) -> None:
    """Sets fields that are absent or null: what is a pointer in the API types."""
    for key, value in defaults.items():
        if fields.get(key) is None:
            fields[key] = value


def put_text(fields: Fields, **defaults: str) -> None:
    """Sets fields that are absent, null or empty: what is a plain string in the API types."""
    for key, value in defaults.items():
        if fields.get(key) in (None, ""):
            fields[key] = value


def child(fields: Fields, key: str) -> Fields:
    """The object in a field, made where it is absent: a plain struct in the API types."""
    put(fields, **{key: {}})
    return found(fields, key)


def found(fields: Fields, key: str) -> Fields:
    """The object in a field; one that belongs nowhere where there is none."""
    value = fields.get(key)
    return value if isinstance(value, dict) else {}


def has(fields: Fields, key: str) -> bool:
    """Whether the field holds an object."""
    return isinstance(fields.get(key), dict)


def items(fields: Fields, key: str) -> list[Fields]:
    """The objects in the list of a field."""
    value = fields.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _copied(value: object) -> object:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value
