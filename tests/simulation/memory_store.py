"""A database in memory that the services take for the real one: the same statements, answered by Python.

It knows statements by their text, which is a constant of control_plane/store. One that it does not know is an error
with the constant's name, so that a statement that was added or changed there is seen here at once. A transaction has
the tables to itself from its first statement on, as nothing else runs meanwhile; what the real locks guarantee is
proven on the real database (tests/integration/services/test_deciding_together.py).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Literal, Protocol, TypeVar

from msgspec import Struct

from control_plane import store
from control_plane.errors import Unavailable
from tests.simulation.memory_tables import Tables, Undo
from tests.simulation.observed import Write, observe

T = TypeVar("T")
Handler = Callable[..., Any]

_HANDLERS: dict[str, Handler] = {}


class UnknownStatementError(Exception):
    """The services run a statement that this store cannot answer: it has to be taught."""


class StoreFault(Struct, frozen=True):
    """What goes wrong with the next transaction.

    aborted: its `at`-th statement, or its commit, fails, and nothing of it remains; unknown: it commits, and whoever
    waits for the answer loses the connection.
    """

    kind: Literal["aborted", "unknown"]
    at: int = 1 << 30


def statement(*texts: str) -> Callable[[Handler], Handler]:
    """The decorated function answers these statements: a session and the parameters in, rows out."""

    def register(handler: Handler) -> Handler:
        for text in texts:
            _HANDLERS[text] = handler
        return handler

    return register


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits for anything."""
    try:
        work.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    work.close()
    raise RuntimeError("a service waited for something that the simulation does not have")


class Session:
    """A connection inside a transaction. `writes`: what it wrote that observers follow, as (statement, rows)."""

    __slots__ = ("_left", "tables", "undo", "writes")

    def __init__(self, tables: Tables, fails_at: int) -> None:
        self.tables = tables
        self.undo: list[Undo] = []
        self.writes: list[Write] = []
        self._left = fails_at

    async def fetch(self, text: str, *args: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise Unavailable("simulated: the statement was aborted")
        handler = _HANDLERS.get(text)
        if handler is None:
            raise UnknownStatementError(_name_of(text))
        observe(self.writes, text, args)
        return handler(self, *args)

    fetchrow = fetchval = execute = fetch

    async def executemany(self, text: str, rows: Iterable[Any]) -> None:
        self._left -= 1
        if self._left < 0:
            raise Unavailable("simulated: the statement was aborted")
        handler = _HANDLERS.get(text)
        if handler is None:
            raise UnknownStatementError(_name_of(text))
        rows = list(rows)
        for row in rows:
            handler(self, *row)
        self.writes.append((text, rows))

    def roll_back(self) -> None:
        for call, args in reversed(self.undo):
            call(*args)
        self.undo.clear()
        self.writes.clear()


class _Transaction:
    __slots__ = ("_database", "_fault", "_session")

    def __init__(self, database: SimDatabase) -> None:
        self._database = database

    async def __aenter__(self) -> Session:
        fault = self._fault = self._database.take_fault()
        at = fault.at if fault is not None and fault.kind == "aborted" else 1 << 30
        self._session = Session(self._database.tables, at)
        return self._session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, fault = self._session, self._fault
        if error is not None:
            session.roll_back()
            return
        if fault is not None and fault.kind == "aborted":
            session.roll_back()
            raise Unavailable("simulated: the commit failed")
        self._database.committed(session)
        if fault is not None:
            raise Unavailable("simulated: the connection died while the commit was under way")


class _Lane:
    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass


class Committed(Protocol):
    """A transaction that committed: what it wrote that observers follow."""

    @property
    def writes(self) -> list[Write]: ...


class SimDatabase:
    """The Database of control_plane/store/pool.py, as far as services ask for it.

    `fault`: what goes wrong with the next transaction. `on_commit` hears of every commit.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.fault: StoreFault | None = None
        self.on_commit: Callable[[Committed], None] = lambda _session: None
        self._lane = _Lane()

    def app_transaction(self) -> _Transaction:
        return _Transaction(self)

    def tenant_transaction(self, _tenant_id: object) -> _Transaction:
        return _Transaction(self)

    app = app_transaction
    tenant = tenant_transaction

    def lane(self, _region_id: int) -> _Lane:
        return self._lane

    def take_fault(self) -> StoreFault | None:
        fault, self.fault = self.fault, None
        return fault

    def committed(self, session: Session) -> None:
        session.undo.clear()
        self.on_commit(session)


def _name_of(text: str) -> str:
    """The constant of control_plane/store that holds this statement."""
    for info in pkgutil.iter_modules(store.__path__):
        module = importlib.import_module(f"{store.__name__}.{info.name}")
        for name, value in vars(module).items():
            if value == text:
                return f"{module.__name__}.{name}"
    return text.strip()
