"""The dashboard: pages for a tenant's people, rendered here, kept live by events. Writes go through the services.

    visit.py      who is looking: session, scopes, forgery, and what becomes of a refusal
    rendering.py  templates, the headers of a page          assets.py  style sheet and scripts under hashed names
    *_views.py    pure: rows of the store into what a template shows; nothing else reaches one
    the rooms     one file per page or form:
                  monitors incidents maintenance alerting status_pages reports regions settings
                  entrance docs charts, and operator, which is the operator's own

Every page works without scripts. `?fragment=1` answers with the part of a page that changes by itself.
"""

from __future__ import annotations

from control_plane.dashboard import assets, installable, live, operator, regions, settings, status_pages
from control_plane.dashboard.alerting import (
    channel_form,
    channel_linking,
    channel_messages,
    channel_page,
    connect,
    replay,
    route_form,
    routes_page,
    silence_form,
    silences_page,
)
from control_plane.dashboard.docs import docs_page
from control_plane.dashboard.entrance import at_provider, sign_in, welcome
from control_plane.dashboard.incidents import declare_incident_page, incident_list, incident_page
from control_plane.dashboard.maintenance import maintenance_form, maintenance_page
from control_plane.dashboard.monitors import (
    add_monitor,
    dependencies_page,
    edit_monitor,
    first_check,
    heartbeats_page,
    monitor_doings,
    monitor_page,
    overview,
    share_page,
)
from control_plane.dashboard.reports import reports_page
from control_plane.dashboard.settings import members_page
from control_plane.web.routes import Route

ROUTES: tuple[Route, ...] = (
    *sign_in.ROUTES,
    *at_provider.ROUTES,
    *connect.ROUTES,
    *welcome.ROUTES,
    *assets.ROUTES,
    *docs_page.ROUTES,
    *overview.ROUTES,
    *add_monitor.ROUTES,
    *edit_monitor.ROUTES,
    *monitor_doings.ROUTES,
    *first_check.ROUTES,
    *monitor_page.ROUTES,
    *heartbeats_page.ROUTES,
    *share_page.ROUTES,
    *incident_list.ROUTES,
    *declare_incident_page.ROUTES,
    *incident_page.ROUTES,
    *maintenance_form.ROUTES,
    *maintenance_page.ROUTES,
    *channel_form.ROUTES,
    *channel_linking.ROUTES,
    *channel_messages.ROUTES,
    *channel_page.ROUTES,
    *replay.ROUTES,
    *routes_page.ROUTES,
    *route_form.ROUTES,
    *silence_form.ROUTES,
    *silences_page.ROUTES,
    *status_pages.ROUTES,
    *members_page.ROUTES,
    *dependencies_page.ROUTES,
    *reports_page.ROUTES,
    *regions.ROUTES,
    *settings.ROUTES,
    *installable.ROUTES,
    *live.ROUTES,
)

OPERATOR_ROUTES: tuple[Route, ...] = operator.ROUTES
"""Of whoever runs the installation: behind another session than a tenant's, and 404 without it."""
