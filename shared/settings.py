"""Settings from names to values: `FARWATCH_SECTION__KEY` over a TOML document over defaults. Reads no file itself.

A settings type is a Struct whose fields are sections, themselves Structs. A field whose Meta has
`extra={"secret": True}` may also be named `…_FILE`: the program reads the file and gives its text as the plain name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

T = TypeVar("T", bound=Struct)

PREFIX = "FARWATCH_"
CONFIG = "FARWATCH_CONFIG"

Secret = Annotated[str, Meta(extra={"secret": True})]
"""A text that may come from a file and is never shown."""


class SettingsError(ValueError):
    """A setting that cannot be used: the message names setting, problem and remedy, never a secret's value."""


def decode_settings(
    kind: type[T], *, environment: Mapping[str, str], document: Mapping[str, Any], foreign: Collection[str] = ()
) -> T:
    """The settings. Sections in `foreign` belong to another program of the same machine and are passed over.

    Raises SettingsError on a name that is unknown and on a value that does not fit.
    """
    sections = _sections(kind)
    values: dict[str, dict[str, Any]] = {name: {} for name in sections}
    for origin, section, key, value in _given(environment, document, foreign=foreign):
        if section not in sections or key not in get_type_hints(sections[section]):
            raise SettingsError(f"{origin} is not a setting. {_nearest(sections, section)}")
        values[section][key] = _convert(sections[section], key, value, origin=origin)
    return kind(**{name: section(**values[name]) for name, section in sections.items()})


def secret_files(kind: type[Struct], environment: Mapping[str, str]) -> dict[str, str]:
    """Names that point at a file (`…_FILE`) and their paths, for those settings that are secrets."""
    names = {
        f"{PREFIX}{section}__{key}_FILE".upper()
        for section, type_ in _sections(kind).items()
        for key, hint in get_type_hints(type_, include_extras=True).items()
        if _is_secret(hint)
    }
    return {name: path for name, path in environment.items() if name in names}


def _sections(kind: type[Struct]) -> dict[str, type[Struct]]:
    return dict(get_type_hints(kind))


def _given(
    environment: Mapping[str, str], document: Mapping[str, Any], *, foreign: Collection[str]
) -> Iterator[tuple[str, str, str, Any]]:
    """(where it was said, section, key, value), the document first so that the environment wins."""
    for section, keys in document.items():
        if not isinstance(keys, Mapping):
            raise SettingsError(
                f"{section} in the configuration file must be a section: write [{section}] above its keys"
            )
        if section not in foreign:
            yield from (
                (f"[{section}] {key} in the configuration file", section, key, value) for key, value in keys.items()
            )
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX) or name == CONFIG:
            continue
        section, _, key = name.removeprefix(PREFIX).lower().partition("__")
        if section not in foreign:
            yield name, section, key, value


def _convert(section: type[Struct], key: str, value: Any, *, origin: str) -> Any:
    hint = get_type_hints(section, include_extras=True)[key]
    try:
        return msgspec.convert(_listed(value, get_type_hints(section)[key]), hint, strict=False)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise SettingsError(f"{origin}: {error}. Correct it or leave it out for the default") from None


def _listed(value: Any, kind: Any) -> Any:
    """The parts of a list that came as text: between commas, or as JSON where each part is an object."""
    if not isinstance(value, str) or get_origin(kind) is not tuple:
        return value
    if isinstance(get_args(kind)[0], type) and issubclass(get_args(kind)[0], msgspec.Struct):
        return msgspec.json.decode(value) if value.strip() else ()
    return [part.strip() for part in value.split(",") if part.strip()]


def _nearest(sections: Mapping[str, type[Struct]], section: str) -> str:
    if section in sections:
        return f"Section {section} has: {', '.join(sorted(get_type_hints(sections[section])))}"
    return f"Sections are: {', '.join(sorted(sections))} (written {PREFIX}SECTION__KEY)"


def _is_secret(hint: Any) -> bool:
    return any(isinstance(part, Meta) and (part.extra or {}).get("secret") for part in get_args(hint))
