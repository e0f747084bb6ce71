"""/api/v1: a tenant's people and programs."""

from __future__ import annotations

from control_plane.tenant_api import (
    channels,
    deliveries,
    dependencies,
    events,
    heartbeats,
    incident_actions,
    incident_declaring,
    incident_stats,
    incidents,
    keys,
    latency,
    me,
    meta,
    monitor_actions,
    monitor_reads,
    monitors,
    on_demand,
    regions,
    reports,
    results,
    sla,
    uptime,
)
from control_plane.web.routes import Route

ROUTES: tuple[Route, ...] = (
    *monitors.ROUTES,
    *monitor_actions.ROUTES,
    *monitor_reads.ROUTES,
    *dependencies.ROUTES,
    *heartbeats.ROUTES,
    *results.ROUTES,
    *latency.ROUTES,
    *uptime.ROUTES,
    *sla.ROUTES,
    *on_demand.ROUTES,
    *incidents.ROUTES,
    *incident_declaring.ROUTES,
    *incident_actions.ROUTES,
    *incident_stats.ROUTES,
    *channels.ROUTES,
    *deliveries.ROUTES,
    *events.ROUTES,
    *regions.ROUTES,
    *keys.ROUTES,
    *reports.ROUTES,
    *me.ROUTES,
    *meta.ROUTES,
)
