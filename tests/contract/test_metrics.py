"""The names that Prometheus knows us by: documented, set, closed, and the only ones that our rules ask for."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from control_plane import metrics
from control_plane.domain.fleet.exposition import MONITOR_FAMILIES, PROBE_FAMILIES
from tests.support.promtool import needs_prometheus, promtool

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deploy" / "control" / "prometheus"
RULES = ("recording.yml", "operator-alerts.yml", "tenant-alerts.yml")
DASHBOARDS = sorted((SHIPPED / "dashboards").glob("*.json"))
NAMED = {name: value for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)}
_NAME = re.compile(r"\b(?:farwatch|probe|process)_[a-z0-9_]+")
_RECORDED = re.compile(r"\b[a-z0-9_]*:[a-z0-9_:]+")


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / "control_plane").rglob("*.py")):
        if path != Path(metrics.__file__):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def test_every_metric_is_ours_in_plain_words_and_base_units() -> None:
    for metric in NAMED.values():
        family = next(iter(metric.describe()))
        assert family.name.startswith("farwatch_")
        assert family.documentation.endswith(".")
        assert not re.search(r"_(ms|milliseconds|minutes|hours|days|kb|mb|percent)(_|$)", family.name), family.name


def test_every_metric_is_set_somewhere() -> None:
    used = set()
    for _, tree in sources():
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        used |= names | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert set(NAMED) - used == set()


def test_metrics_are_made_in_one_file_alone() -> None:
    makers = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "prometheus_client":
                continue
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers
            if is_call and "prometheus_client" in path.read_text(encoding="utf-8"):
                pytest.fail(f"{path}: {ast.unparse(node)}")


LABELLED = {
    'f"{status_class}xx"': "one of five",
    "operation": "the route table",
    "job.name": "jobs.JOBS",
    "name": "steps of retention, walks of the rollup, pools: tables in the code",
    "pool": "the two pools",
    "claimed.kind": "notify.TRANSPORTS: an unknown kind is not claimed",
    "attempt.outcome": "services/attempt_delivery.judged",
    "status": "services/ingest_results: six constants",
    "door": "two doors",
    "reason": "words of authentication.py",
    "kind": "domain/fleet kinds of operator's incidents",
    "kind.value": "domain/heartbeat.PingKind",
    "verdict": "four verdicts",
    "state": "five states",
    "transition.verdict": "four verdicts",
    "slug": "the operator's own regions",
    "load.slug": "the operator's own regions",
}
"""What is given as a label's value, and the closed set that it comes from. Think about another one."""


def test_every_value_of_a_label_comes_from_a_set_that_was_thought_about() -> None:
    unknown = []
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "labels":
                for argument in node.args:
                    is_word = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
                    if not is_word and ast.unparse(argument).replace("'", '"') not in LABELLED:
                        unknown.append(f"{path.relative_to(ROOT)}: {ast.unparse(node)}")
    assert unknown == []


def test_every_label_says_which_set_it_comes_from_and_none_names_a_tenant() -> None:
    used = {label for metric in NAMED.values() for label in metric._labelnames}
    assert used == set(metrics.LABELS)
    assert not used & {"tenant", "tenant_id", "monitor", "monitor_id", "url", "path", "address", "agent", "channel"}


@needs_prometheus
def test_promtool_has_nothing_to_say_against_our_metrics() -> None:
    promtool("check", "metrics", text=generate_latest(REGISTRY))


# -- what is shipped for Prometheus and Grafana


def known_names() -> set[str]:
    names = {family.name for family in PROBE_FAMILIES} | {family.name for family in MONITOR_FAMILIES}
    for metric in NAMED.values():
        family = next(iter(metric.describe()))
        match family.type:
            case "counter":
                names.add(f"{family.name}_total")
            case "histogram":
                names |= {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
            case "info":
                names.add(f"{family.name}_info")
            case _:
                names.add(family.name)
    return names | {"process_cpu_seconds_total", "process_resident_memory_bytes"}


def rules() -> list[dict[str, Any]]:
    documents = [yaml.safe_load((SHIPPED / name).read_text(encoding="utf-8")) for name in RULES]
    return [rule for document in documents for group in document["groups"] for rule in group["rules"]]


def panels(path: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(path.read_text(encoding="utf-8"))["panels"]
    return found


def questions(path: Path) -> list[str]:
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    variables = [each["query"]["query"] for each in dashboard["templating"]["list"] if each["type"] == "query"]
    return [*asked, *(re.sub(r"label_values\((.*), *\w+\)$", r"\1", each) for each in variables)]


def unknown_names(expression: str) -> set[str]:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    named = _RECORDED.findall(expression)
    plain = _NAME.findall(_RECORDED.sub("", re.sub(r'"[^"]*"', '""', expression)))
    return (set(named) - recorded) | (set(plain) - known_names())


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_metric_of_a_rule_exists(rule: dict[str, Any]) -> None:
    assert unknown_names(rule["expr"]) == set()
    told = " ".join(rule.get("annotations", {}).values())
    assert set(_NAME.findall(told)) - known_names() - {name.rsplit("_", 1)[0] for name in known_names()} == set()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_metric_of_a_dashboard_exists(path: Path) -> None:
    asked = questions(path)
    assert len(asked) > 10
    assert {name for expression in asked for name in unknown_names(expression)} == set()


def test_the_operator_is_shown_every_metric() -> None:
    asked = questions(SHIPPED / "dashboards" / "farwatch-operator.json")
    shown = " ".join([*asked, *(rule["expr"] for rule in rules())])
    families = [next(iter(metric.describe())).name for metric in NAMED.values()]
    assert [name for name in families if name not in shown] == []


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_the_panels_of_a_dashboard_lie_side_by_side(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(path):
        place = panel["gridPos"]
        assert isinstance(place, dict)
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        taken |= cells
    assert len({panel["id"] for panel in panels(path)}) == len(panels(path))


@needs_prometheus
@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_prometheus_reads_every_question_of_a_dashboard(path: Path, tmp_path: Path) -> None:
    plain = [question.replace("$__rate_interval", "5m") for question in questions(path)]
    listed = [{"record": f"question_{number}", "expr": question} for number, question in enumerate(plain)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "questions", "rules": listed}]}))
    promtool("check", "rules", "rules.yml", directory=tmp_path)


@needs_prometheus
def test_the_rules_do_what_their_tests_say() -> None:
    promtool("check", "rules", *RULES, directory=SHIPPED)
    promtool("test", "rules", "rules.test.yml", directory=SHIPPED)


@needs_prometheus
def test_the_configuration_is_one_that_prometheus_takes() -> None:
    promtool("check", "config", "--syntax-only", "prometheus.yml", directory=SHIPPED)


def test_every_alert_is_tested() -> None:
    told = (SHIPPED / "rules.test.yml").read_text(encoding="utf-8")
    assert [rule["alert"] for rule in rules() if "alert" in rule and f"alertname: {rule['alert']}" not in told] == []
