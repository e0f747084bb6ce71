"""Token buckets of tenants and callers, with a clock that the test turns."""

from __future__ import annotations

from uuid import UUID

import pytest

from control_plane.domain.tenants.plan import NO_LIMITS, Category, PlanTerms, Rate
from control_plane.web import rate_limits
from control_plane.web.rate_limits import RateLimits, Taken

ACME, OTHER = UUID(int=1), UUID(int=2)
KEY, SECOND_KEY = UUID(int=3), UUID(int=4)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def terms(tenant: int | None, caller: int | None, category: Category = "writes") -> PlanTerms:
    return PlanTerms("small", rates={category: Rate(tenant, caller)})


def ask(limits: RateLimits, plan: PlanTerms, *, tenant: UUID = ACME, caller: UUID = KEY) -> Taken:
    return limits.take(plan, "writes", tenant_id=tenant, caller_id=caller)


def let_in(limits: RateLimits, plan: PlanTerms, *, tries: int = 100, caller: UUID = KEY) -> int:
    return sum(ask(limits, plan, caller=caller).refusal is None for _ in range(tries))


def test_a_minutes_worth_may_come_at_once_and_no_more(clock: Clock) -> None:
    limits = RateLimits(clock=clock)
    assert let_in(limits, terms(20, None)) == 20


def test_a_bucket_fills_evenly(clock: Clock) -> None:
    limits = RateLimits(clock=clock)
    let_in(limits, terms(20, None))
    clock.now += 9
    assert let_in(limits, terms(20, None)) == 3
    clock.now += 600
    assert let_in(limits, terms(20, None)) == 20


def test_a_refusal_says_when_the_next_token_comes(clock: Clock) -> None:
    limits = RateLimits(clock=clock)
    let_in(limits, terms(20, None))
    refusal = ask(limits, terms(20, None)).refusal
    assert refusal is not None
    assert (refusal.code, refusal.retry_after_s) == ("RATE_LIMITED", 3)
    assert refusal.details == {"scope": "tenant", "category": "writes", "limit": 20, "window_s": 60}
    clock.now += refusal.retry_after_s
    assert ask(limits, terms(20, None)).refusal is None


def test_refused_requests_do_not_push_the_next_token_away(clock: Clock) -> None:
    limits = RateLimits(clock=clock)
    let_in(limits, terms(20, None), tries=1000)
    clock.now += 3
    assert let_in(limits, terms(20, None)) == 1


def test_the_callers_of_a_tenant_share_its_limit_and_have_their_own(clock: Clock) -> None:
    limits, plan = RateLimits(clock=clock), terms(20, 15)
    assert let_in(limits, plan) == 15
    assert let_in(limits, plan, caller=SECOND_KEY) == 5
    refusal = ask(limits, plan, caller=SECOND_KEY).refusal
    assert refusal is not None
    assert refusal.details is not None
    assert refusal.details["scope"] == "tenant"


def test_what_one_limit_refuses_is_not_counted_by_the_other(clock: Clock) -> None:
    limits, plan = RateLimits(clock=clock), terms(20, 5)
    let_in(limits, plan, tries=1000)
    assert let_in(limits, plan, caller=SECOND_KEY) == 5
    told = {each.policy: each.remaining for each in ask(limits, plan).told}
    assert told == {"tenant-writes": 10, "caller-writes": 0}


def test_tenants_and_categories_have_buckets_of_their_own(clock: Clock) -> None:
    limits, plan = RateLimits(clock=clock), terms(20, None)
    let_in(limits, plan)
    assert ask(limits, plan, tenant=OTHER).refusal is None
    reads = limits.take(terms(20, None, "reads"), "reads", tenant_id=ACME, caller_id=KEY)
    assert reads.refusal is None


def test_without_limits_nothing_is_kept_and_nothing_told(clock: Clock) -> None:
    limits = RateLimits({"writes": 1}, clock=clock)
    assert let_in(limits, NO_LIMITS, tries=1000) == 1000
    assert ask(limits, NO_LIMITS).told == ()


def test_a_category_that_the_plan_does_not_name_has_the_installations_default(clock: Clock) -> None:
    limits = RateLimits({"writes": 7, "reads": None}, clock=clock)
    assert let_in(limits, PlanTerms("silent")) == 7
    assert limits.take(PlanTerms("silent"), "reads", tenant_id=ACME, caller_id=KEY).told == ()


def test_processes_share_a_limit_out_and_each_gives_one_at_least(clock: Clock) -> None:
    limits, plan = RateLimits(clock=clock), terms(20, None)
    limits.share(4)
    assert let_in(limits, plan) == 5
    clock.now += 60
    assert let_in(limits, plan) == 5
    limits.share(40)
    clock.now += 3600
    assert let_in(limits, plan) == 1


def test_what_is_left_is_told_as_it_goes(clock: Clock) -> None:
    limits, plan = RateLimits(clock=clock), terms(60, 2)
    first, second = ask(limits, plan).told, ask(limits, plan).told
    assert [(each.policy, each.limit, each.remaining, each.reset_s) for each in (*first, *second)] == [
        ("tenant-writes", 60, 59, 1),
        ("caller-writes", 2, 1, 30),
        ("tenant-writes", 60, 58, 2),
        ("caller-writes", 2, 0, 60),
    ]


def test_the_buckets_are_bounded_in_number(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "_MAX_BUCKETS", 10)
    limits, plan = RateLimits(clock=clock), terms(1, None)
    for number in range(100):
        ask(limits, plan, tenant=UUID(int=1000 + number))
    assert ask(limits, plan, tenant=UUID(int=1099)).refusal is not None
    assert ask(limits, plan, tenant=UUID(int=1000)).refusal is None, "the one longest unused is forgotten"
