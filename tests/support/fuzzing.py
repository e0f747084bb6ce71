"""Generated requests to one operation of the published document, and what every answer must be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckContext, not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

AnyOperation: TypeAlias = APIOperation[Any, Any, Any, Any]
AnyCase: TypeAlias = Case[Any]

SLOWEST_S = 1.0
"""No answer takes longer, however bad the request."""

_TRIES = 3

_UPPER_SNAKE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Target:
    """Where an operation is served, who asks, and the path parameters of things that are there."""

    url: str
    headers: Mapping[str, str]
    known: Mapping[str, str]
    body: Mapping[str, Any] | None = None
    """A good body that says more than the documented example."""
    answers: list[int] = field(default_factory=list)
    """The status of every answer."""


def operations(document: dict[str, Any]) -> Iterator[AnyOperation]:
    """Every operation of the document. Credentials are the test's to give, not to be generated."""
    config = SchemathesisConfig()
    config.projects.default.generation.update(with_security_parameters=False)
    schema = schemathesis.openapi.from_dict(document, config=config)
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found.err()
        yield found.ok()


def share_of(operation: AnyOperation, per_operation: int) -> int:
    """How many requests an operation is worth: a body has the most ways to be wrong, a lone id the fewest."""
    definition = operation.definition.raw
    if "requestBody" in definition:
        return per_operation * 2
    query = any(parameter["in"] == "query" for parameter in definition.get("parameters", ()))
    return per_operation if query else max(1, per_operation // 3)


def fuzz(operation: AnyOperation, target: Target, *, requests_wanted: int, first: int) -> None:
    """Send requests that follow from the seed `first`. Raises the failed checks of the least request that fails."""
    session = requests.Session()
    session.trust_env = False  # a proxy of this machine would be asked

    @seed(first)
    @settings(
        max_examples=requests_wanted,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(case=_cases(operation, target))
    def send(case: AnyCase) -> None:
        _ask(case, target, session)

    with session:
        send()
        if min(target.answers) >= 300:  # few requests may all be bad by chance
            _ask(_good(operation, target), target, session)


def _ask(case: AnyCase, target: Target, session: requests.Session) -> None:
    response = _at_once(case, target, session)
    target.answers.append(response.status_code)
    case.validate_response(response, checks=CHECKS, headers=dict(target.headers))


def _good(operation: AnyOperation, target: Target) -> AnyCase:
    """The documented request to things that are there."""
    here = {name: target.known[name] for name in _path_parameters(operation) if name in target.known}
    example = target.body or _example(operation)
    if example is None:
        return operation.Case(path_parameters=here)
    return operation.Case(path_parameters=here, body=dict(example), media_type="application/json")


def _at_once(case: AnyCase, target: Target, session: requests.Session) -> Response:
    """The answer, within SLOWEST_S. A slow one is asked for again: a busy machine is late once, a hang always."""
    took = []
    for _ in range(_TRIES):
        response = case.call(base_url=target.url, session=session, headers=dict(target.headers), timeout=20)
        took.append(response.elapsed)
        if response.elapsed <= SLOWEST_S:
            return response
    raise AssertionError(f"Slow, again and again: {took} s of {SLOWEST_S} s: {case.formatted_path}")


def _cases(operation: AnyOperation, target: Target) -> st.SearchStrategy[AnyCase]:
    """Valid and broken requests, to things that are there and to others."""
    here = {name: target.known[name] for name in _path_parameters(operation) if name in target.known}
    strategies = [operation.as_strategy(GenerationMode.POSITIVE, path_parameters=here or None)]
    if _has_parts(operation):
        strategies.append(operation.as_strategy(GenerationMode.NEGATIVE, path_parameters=here or None))
    if here:
        strategies += [operation.as_strategy(mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]
    example = target.body or _example(operation)
    if example is not None:
        strategies.append(st.builds(_one_field_of, strategies[0], st.just(example), st.integers(0, 500)))
    return st.one_of(strategies)


def _one_field_of(case: AnyCase, example: Mapping[str, Any], position: int) -> AnyCase:
    """A good body with a field or none of this request, so that each field is judged among good ones."""
    body = case.body if isinstance(case.body, dict) else {}
    case.body = _with_one_field(example, body, position)
    case.headers.pop("Idempotency-Key", None)
    return case


def _with_one_field(good: Mapping[str, Any], other: Mapping[str, Any], position: int) -> dict[str, Any]:
    """`good` with one field of `other`; of an object that both have, with one field of that."""
    if not other:
        return dict(good)
    deeper, index = divmod(position, len(other))
    name, value = sorted(other.items())[index]
    if isinstance(value, dict) and isinstance(good.get(name), dict):
        value = _with_one_field(good[name], value, deeper)
    return {**good, name: value}


def _path_parameters(operation: AnyOperation) -> list[str]:
    return re.findall(r"\{(\w+)\}", operation.path)


def _has_parts(operation: AnyOperation) -> bool:
    """Whether there is anything that could be broken."""
    definition = operation.definition.raw
    return "requestBody" in definition or bool(definition.get("parameters"))


def _example(operation: AnyOperation) -> Mapping[str, Any] | None:
    body = operation.definition.raw.get("requestBody", {})
    example: Mapping[str, Any] | None = body.get("content", {}).get("application/json", {}).get("example")
    return example


def a_success_is_the_documented_one(_ctx: CheckContext, response: Response, case: AnyCase) -> None:
    """The document's "default" is for refusals only."""
    documented = [status for status in case.operation.definition.raw["responses"] if status != "default"]
    if response.status_code < 400:
        assert str(response.status_code) in documented, f"Undocumented success: {response.status_code}"


def a_refusal_is_in_the_envelope(_ctx: CheckContext, response: Response, case: AnyCase) -> None:
    """Every key, an UPPER_SNAKE code that the operation declares or that names a field, a trace id."""
    if response.status_code < 400:
        return
    try:
        body = json.loads(response.content)
    except ValueError:
        raise AssertionError("A refusal is no JSON") from None
    error = body.get("error") if isinstance(body, dict) else None
    assert isinstance(error, dict), "A refusal without an envelope"
    assert set(error) == {"code", "message", "field", "details", "trace_id"}, f"Broken envelope: {error}"
    code = error["code"]
    assert _UPPER_SNAKE.fullmatch(code), f"The code is not UPPER_SNAKE: {code}"
    declared = [*case.operation.definition.raw["x-error-codes"], "HEADERS_TOO_LARGE"]  # the parser's, of no route
    assert code in declared or code.startswith("INVALID_"), f"Undeclared code: {code}: {error['message']}"


CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    a_success_is_the_documented_one,
    a_refusal_is_in_the_envelope,
]
