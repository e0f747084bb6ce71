"""What messages to subscribers of a status page say, in the page's language. Pure.

Each text is whole, so that a language may order it as it likes; names stand in it as they are. Times are in UTC and
written with figures, which every language reads alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from control_plane.domain.pages.public_page import Language


class Texts(Struct, frozen=True, kw_only=True):
    """The texts of one language. `events` and `phases` by their names on the wire."""

    events: Mapping[str, str]
    reopened: str
    phases: Mapping[str, str]
    affected: str
    state: str
    started: str
    ended: str
    begins: str
    ends: str
    several: str
    heads: tuple[str, str, str]
    comma: str
    open_page: str
    because: str
    manage: str
    unsubscribe: str
    confirm_title: str
    confirm_label: str
    confirm_line: str
    confirm_not_you: str
    confirm_button: str
    confirm_footer: str
    confirm_push: str
    already_title: str
    already_line: str


TEXTS: Mapping[Language, Texts] = {
    "en": Texts(
        events={
            "incident.opened": "New incident",
            "incident.updated": "Update",
            "incident.resolved": "Resolved",
            "maintenance.scheduled": "Maintenance planned",
            "maintenance.started": "Maintenance has begun",
            "maintenance.ended": "Maintenance is over",
            "maintenance.cancelled": "Maintenance is cancelled",
        },
        reopened="Not over after all",
        phases={
            "investigating": "We are investigating",
            "identified": "The cause is known",
            "monitoring": "A fix is in place; we are watching it",
            "resolved": "Resolved",
            "postmortem": "What happened, in retrospect",
        },
        affected="Affected",
        state="State",
        started="Since",
        ended="Ended",
        begins="From",
        ends="Until",
        several="Several messages: {page}",
        heads=("State", "What", "More"),
        comma=", ",
        open_page="Open the status page",
        because="You are told because this address is subscribed to “{page}”.",
        manage="Change what you are told",
        unsubscribe="Unsubscribe",
        confirm_title="Do you want messages from “{page}”?",
        confirm_label="Please confirm",
        confirm_line="Somebody, probably you, asked for messages from “{page}” about incidents and maintenance.",
        confirm_not_you="If you did not ask for that, do nothing: nothing else will be sent.",
        confirm_button="Yes, tell me",
        confirm_footer="The link counts once, for 24 hours. It opens a page that asks again.",
        confirm_push="This browser will be told of incidents and maintenance.",
        already_title="You are subscribed to “{page}” already",
        already_line="Somebody, probably you, asked for it again. Nothing has changed, and nothing needs to be done.",
    ),
    "de": Texts(
        events={
            "incident.opened": "Neue Störung",
            "incident.updated": "Neuigkeit",
            "incident.resolved": "Behoben",
            "maintenance.scheduled": "Wartung geplant",
            "maintenance.started": "Wartung hat begonnen",
            "maintenance.ended": "Wartung ist beendet",
            "maintenance.cancelled": "Wartung ist abgesagt",
        },
        reopened="Doch noch nicht behoben",
        phases={
            "investigating": "Wir untersuchen die Ursache",
            "identified": "Die Ursache ist bekannt",
            "monitoring": "Eine Lösung ist da; wir beobachten sie",
            "resolved": "Behoben",
            "postmortem": "Was geschehen ist, im Rückblick",
        },
        affected="Betroffen",
        state="Stand",
        started="Seit",
        ended="Beendet",
        begins="Von",
        ends="Bis",
        several="Mehrere Meldungen: {page}",
        heads=("Stand", "Was", "Mehr"),
        comma=", ",
        open_page="Statusseite öffnen",
        because="Sie erhalten dies, weil diese Adresse „{page}“ abonniert hat.",
        manage="Ändern, was Sie erhalten",
        unsubscribe="Abbestellen",
        confirm_title="Möchten Sie Meldungen von „{page}“?",
        confirm_label="Bitte bestätigen",
        confirm_line="Jemand, vermutlich Sie, möchte hier von Störungen und Wartungen von „{page}“ erfahren.",
        confirm_not_you="Falls nicht, tun Sie nichts: Es wird nichts weiter gesendet.",
        confirm_button="Ja, melden",
        confirm_footer="Der Link gilt einmal, 24 Stunden lang. Er öffnet eine Seite, die noch einmal fragt.",
        confirm_push="Dieser Browser erhält Meldungen über Störungen und Wartungen.",
        already_title="Sie haben „{page}“ schon abonniert",
        already_line="Jemand, vermutlich Sie, hat noch einmal angefragt. Nichts ist anders, und nichts ist zu tun.",
    ),
    "ar": Texts(
        events={
            "incident.opened": "عطل جديد",
            "incident.updated": "تحديث",
            "incident.resolved": "تم الحل",
            "maintenance.scheduled": "صيانة مقررة",
            "maintenance.started": "بدأت الصيانة",
            "maintenance.ended": "انتهت الصيانة",
            "maintenance.cancelled": "أُلغيت الصيانة",
        },
        reopened="لم ينتهِ العطل بعد",
        phases={
            "investigating": "نبحث عن السبب",
            "identified": "عُرف السبب",
            "monitoring": "طُبّق الحل ونراقبه",
            "resolved": "تم الحل",
            "postmortem": "ما حدث، بنظرة إلى الوراء",
        },
        affected="المتأثر",
        state="الحالة",
        started="منذ",
        ended="انتهى",
        begins="من",
        ends="حتى",
        several="عدة رسائل: {page}",
        heads=("الحالة", "ماذا", "المزيد"),
        comma="، ",
        open_page="فتح صفحة الحالة",
        because="تصلك هذه الرسالة لأن هذا العنوان مشترك في «{page}».",
        manage="تغيير ما يصلك",
        unsubscribe="إلغاء الاشتراك",
        confirm_title="هل تريد رسائل من «{page}»؟",
        confirm_label="يرجى التأكيد",
        confirm_line="طلب أحدهم، والأرجح أنه أنت، إبلاغ هذا العنوان بأعطال «{page}» وصيانتها.",
        confirm_not_you="إن لم تطلب ذلك فلا تفعل شيئًا: لن يُرسل أي شيء آخر.",
        confirm_button="نعم، أبلغوني",
        confirm_footer="يصلح الرابط مرة واحدة خلال 24 ساعة، ويفتح صفحة تسأل مرة أخرى.",
        confirm_push="سيُبلَّغ هذا المتصفح بالأعطال وأعمال الصيانة.",
        already_title="أنت مشترك في «{page}» بالفعل",
        already_line="طلب أحدهم ذلك مرة أخرى، والأرجح أنه أنت. لم يتغير شيء ولا يلزم فعل شيء.",
    ),
}

DIRECTIONS: Mapping[Language, str] = {"en": "ltr", "de": "ltr", "ar": "rtl"}


def instant(at: datetime) -> str:
    """To the minute, such as 2026-05-04 14:03 UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
