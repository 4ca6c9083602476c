"""Alerts and dashboard ask for metrics that exist, and say what to do."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import TYPE_CHECKING, Any

import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families

from reconciler.service.metrics import Metrics
from tests.contract.forge import DEPLOY
from tests.support import from_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

Labels = dict[str, frozenset[str] | None]


def one_of(*values: str) -> frozenset[str]:
    return frozenset(values)


METRICS: dict[str, Labels] = {
    "reconciler_build_info": {"version": None},
    "reconciler_last_success_timestamp_seconds": {},
    "reconciler_next_round_timestamp_seconds": {},
    "reconciler_rounds_total": {
        "result": one_of(
            "in_sync",
            "corrected",
            "drifted",
            "pending",
            "refused",
            "correction_failed",
            "failed",
            "interrupted",
        )
    },
    "reconciler_round_duration_seconds": {},
    "reconciler_last_round_duration_seconds": {},
    "reconciler_failed_rounds_in_a_row": {},
    "reconciler_drifted_keys": {
        "api": None,
        "kind": None,
        "effect": one_of("neutral", "grants", "revokes", "grants+revokes"),
    },
    "reconciler_created_keys": {"api": None, "kind": None},
    "reconciler_deleted_keys": {"api": None, "kind": None},
    "reconciler_differing_keys": {
        "api": None,
        "kind": None,
        "origin": one_of("pending", "drift", "conflict", "unknown"),
    },
    "reconciler_nearest_expiry_timestamp_seconds": {"api": None, "kind": None},
    "reconciler_expiring_keys": {
        "api": None,
        "kind": None,
        "days": one_of("1", "7", "14", "30", "90", "+Inf"),
    },
    "reconciler_rotations": {
        "api": None,
        "kind": None,
        "state": one_of("proposed", "overlap", "over", "ending", "gone"),
    },
    "reconciler_unmanaged_keys": {"api": None, "kind": None},
    "reconciler_new_unmanaged_keys": {"api": None, "kind": None},
    "reconciler_contested_fields": {"api": None},
    "reconciler_corrections_total": {
        "api": None,
        "outcome": one_of("corrected", "correction_failed", "not_verified", "not_attempted", "refused"),
    },
    "reconciler_api_requests_total": {"api": None, "method": None, "status": None},
    "reconciler_api_request_duration_seconds": {"api": None, "method": None},
    "reconciler_scopes": {
        "api": None,
        "standing": one_of("in_sync", "pending", "drifted", "incomplete", "unreachable"),
    },
    "reconciler_files_valid": {},
    "reconciler_notifications_total": {"result": one_of("sent", "failed")},
}
"""What the service shows: each metric with its labels, and their values where these are known."""

HISTOGRAMS = {"reconciler_round_duration_seconds", "reconciler_api_request_duration_seconds"}
SCRAPED = {"instance", "job"}
"""Labels that Prometheus adds."""

RULES = DEPLOY / "prometheus/alerts.yml"
DASHBOARD = json.loads((DEPLOY / "grafana/dashboard.json").read_text(encoding="utf-8"))
PANELS = DASHBOARD["panels"]
ALERTS = [rule for group in from_yaml(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def expressions() -> dict[str, str]:
    """Return each expression by its place, Grafana's own variables filled in."""
    found = {f"alert {rule['alert']}": rule["expr"] for rule in ALERTS}
    for panel in PANELS:
        for target in panel["targets"]:
            place = f"panel {panel['title']} {target['refId']}"
            found[place] = target["expr"].replace("$__rate_interval", "5m")
    return found


EXPRESSIONS = expressions()


def shown() -> dict[str, frozenset[str]]:
    """Return the name of every series of every metric, with its labels."""
    series: dict[str, frozenset[str]] = {}
    for name, labels in METRICS.items():
        known = frozenset(labels) | SCRAPED
        if name in HISTOGRAMS:
            series |= {f"{name}_bucket": known | {"le"}, f"{name}_sum": known, f"{name}_count": known}
        else:
            series[name] = known
    return series


def parts(expression: str) -> list[Any]:
    """Return every part of an expression."""
    found: list[Any] = []
    promql_parser.walk(promql_parser.parse(expression), pre_visit=found.append)
    return found


def selectors(expression: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the name of each series that is asked for, with the labels and values that it must have."""
    vectors = [part for part in parts(expression) if isinstance(part, promql_parser.VectorSelector)]
    return [
        (vector.name or "", [(matcher.name, matcher.value) for matcher in vector.matchers.matchers])
        for vector in vectors
    ]


def kept(expression: str) -> set[str]:
    """Return the labels that sums preserve."""
    sums = [part for part in parts(expression) if isinstance(part, promql_parser.AggregateExpr)]
    return {label for part in sums if part.modifier is not None for label in part.modifier.labels}


def test_the_metrics_are_those_of_the_service() -> None:
    families = list(text_string_to_metric_families(Metrics("1").exposition().decode()))
    suffixes = {"counter": "_total"}
    assert {family.name + suffixes.get(family.type, "") for family in families} == set(METRICS)


def test_the_values_of_labels_are_those_of_the_service() -> None:
    seen: dict[tuple[str, str], set[str]] = {}
    for family in text_string_to_metric_families(Metrics("1").exposition().decode()):
        for sample in family.samples:
            for label, value in sample.labels.items():
                seen.setdefault((sample.name, label), set()).add(value)
    for metric in ("rounds", "corrections", "notifications"):
        labels = METRICS[f"reconciler_{metric}_total"].items()
        ((label, values),) = [(label, values) for label, values in labels if values is not None]
        assert frozenset(seen[f"reconciler_{metric}_total", label]) == values


def test_the_parser_finds_every_series_of_an_expression() -> None:
    found = selectors('sum by (x) (rate(a{l="v"}[5m])) / b or -c offset 5m and absent(d) > topk(2, e)')
    assert found == [("a", [("l", "v")]), ("b", []), ("c", []), ("d", []), ("e", [])]


def test_every_expression_selects_existing_series() -> None:
    for place, expression in EXPRESSIONS.items():
        asked = {name for name, _ in selectors(expression)}
        assert asked, place
        assert asked - shown().keys() == set(), place


def test_every_expression_selects_existing_labels_and_values() -> None:
    for place, expression in EXPRESSIONS.items():
        for name, matchers in selectors(expression):
            for label, wanted in matchers:
                assert label in shown()[name], place
                values = METRICS.get(name, {}).get(label)
                if values is not None:
                    unknown = [one for one in wanted.split("|") if one.replace("\\+", "+") not in values]
                    assert unknown == [], place


def test_every_expression_preserves_labels_of_its_series() -> None:
    for place, expression in EXPRESSIONS.items():
        common = set.intersection(*(set(shown()[name]) for name, _ in selectors(expression)))
        assert kept(expression) <= common, place


def templates(text: str) -> Iterator[str]:
    yield from re.findall(r"\{\{(.*?)\}\}", text)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_has_a_severity_and_advice(rule: dict[str, Any]) -> None:
    assert rule["labels"] in ({"severity": "critical"}, {"severity": "warning"})
    assert set(rule["annotations"]) == {"summary", "description"}
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["annotations"]["summary"].endswith(".")
    assert re.search(r"\b(Look|Read|Run|Find)\b", rule["annotations"]["description"])


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_text_uses_labels_of_the_alert(rule: dict[str, Any]) -> None:
    series = {label for name, _ in selectors(rule["expr"]) for label in shown()[name]}
    had = kept(rule["expr"]) or series
    for template in templates(" ".join(rule["annotations"].values())):
        used = re.fullmatch(r" (?:\$value(?: \| humanizeDuration)?|\$labels\.(\w+)) ", template)
        assert used, template
        assert used[1] is None or used[1] in had


def test_alert_names_are_unique() -> None:
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)


def test_every_alert_has_a_test_in_which_it_fires() -> None:
    tests = (DEPLOY / "prometheus/alerts_test.yml").read_text(encoding="utf-8")
    assert [rule["alert"] for rule in ALERTS if rule["alert"] not in tests] == []


def test_each_panel_has_a_unique_id_and_a_description() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    assert [panel["title"] for panel in PANELS if not panel["description"].endswith(".")] == []


def test_each_panel_has_a_query() -> None:
    for panel in PANELS:
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len(set(references)) == len(references)
        assert all(target["expr"] for target in panel["targets"])


def test_the_panels_fit_into_the_grid() -> None:
    for panel in PANELS:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
        assert place["y"] >= 0
        assert place["h"] > 0


def test_panels_do_not_overlap() -> None:
    for one, two in combinations([panel["gridPos"] for panel in PANELS], 2):
        apart = (
            one["x"] + one["w"] <= two["x"],
            two["x"] + two["w"] <= one["x"],
            one["y"] + one["h"] <= two["y"],
            two["y"] + two["h"] <= one["y"],
        )
        assert any(apart), (one, two)


def values_of(node: Any, name: str) -> Iterator[Any]:
    """Return the value of each member called ``name``, at any depth."""
    if isinstance(node, dict):
        yield from (value for member, value in node.items() if member == name)
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from values_of(child, name)


def test_every_panel_and_query_uses_the_selected_data_source() -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    assert [source for source in values_of(DASHBOARD, "datasource") if source != chosen] == []
    assert [panel["title"] for panel in PANELS if "datasource" not in panel] == []
    assert [
        target["expr"] for panel in PANELS for target in panel["targets"] if "datasource" not in target
    ] == []


def test_every_query_selects_the_chosen_instances() -> None:
    asked = [
        selector
        for panel in PANELS
        for target in panel["targets"]
        for selector in selectors(EXPRESSIONS[f"panel {panel['title']} {target['refId']}"])
    ]
    assert [name for name, matchers in asked if ("instance", "$instance") not in matchers] == []


def test_every_query_selects_the_chosen_apis_where_series_have_them() -> None:
    asked = [
        (name, matchers)
        for place, expression in EXPRESSIONS.items()
        if place.startswith("panel ")
        for name, matchers in selectors(expression)
        if "api" in shown()[name]
    ]
    assert asked
    assert [name for name, matchers in asked if ("api", "$api") not in matchers] == []


def test_every_used_variable_is_declared() -> None:
    text = json.dumps(DASHBOARD)
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval"}
    assert used == {variable["name"] for variable in DASHBOARD["templating"]["list"]}


def test_each_colour_is_assigned_to_an_existing_value() -> None:
    known = {value for labels in METRICS.values() for values in labels.values() for value in values or ()}
    overrides = [override for panel in PANELS for override in panel["fieldConfig"]["overrides"]]
    assert [each["matcher"]["options"] for each in overrides if each["matcher"]["options"] not in known] == []


def test_the_dashboard_has_no_external_links() -> None:
    text = json.dumps(DASHBOARD)
    assert "://" not in text
    assert DASHBOARD["links"] == []
    assert list(values_of(PANELS, "links")) == []
