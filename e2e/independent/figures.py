"""The first indicators of the 47 KPIs of the demo workspace, worked out a second time.

Plain loops over records, as an auditor would do it with the export files on the table: no SQL, nothing of Keiki's state and none of its
output. What is read: `org.csv`, the fiscal years in `keiki.toml`, the files under `evidence/`, and, if given, a folder of earlier deliveries (the demo overwrites some files
with later ones; see `compare.py`). How the columns of a file are to be read is written down here again, from `sources/*.toml`.

    figures.py WORKSPACE [--deliveries DIR] [--org HD,JP1,US1,DE1] [--period 2026-09]

A delivery is a file `NNNN_<path below evidence, "/" as "__">`; the numbers give the order.
"""

import argparse
import csv
import datetime as dt
import fnmatch
import gzip
import io
import json
import os
import re
import tomllib
import zipfile
from collections import defaultdict, namedtuple
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from xml.etree import ElementTree

ZONE = dt.timezone(dt.timedelta(hours=9))  # Asia/Tokyo has no summer time
FIRST_MONTH = 4
BEGINNING = dt.date(1900, 1, 1)
UNKNOWN = "unknown"  # counts as unknown: neither in nor out

# As-of days of the readings, as `keiki sql "select source, as_of from batches"` lists them: the files do not carry them.
# They serve for coverage only. Every source not named here was read at the end of each of these months.
MONTHLY = ["2026-06-30", "2026-07-31", "2026-08-31", "2026-09-30"]
QUARTERLY = ["2026-06-30", "2026-09-30"]
READINGS = {
    "kev": ["2026-06-30"], "plan_rates": ["2026-06-30"], "incidents_log": ["2026-06-30"], "totals_de1": QUARTERLY,
    "assets_jp3": QUARTERLY, "evaluations_jp3": QUARTERLY, "findings_jp3": QUARTERLY, "phishing_jp3": QUARTERLY,
    "trainings_jp3": QUARTERLY, "vulnerabilities_jp3": QUARTERLY, "milestones_jp3": ["2026-09-30"], "reviews_jp3": ["2026-09-30"],
    "incidents": ["2026-07-31", "2026-08-17", "2026-08-31", "2026-09-30"],
    "incidents_sg1": ["2026-07-31"], "incidents_sg1_portal": ["2026-09-30"],
    "trainings": ["2026-06-30", "2026-08-17", "2026-09-30"], "phishing": ["2026-06-30", "2026-08-31", "2026-09-30"],
}

# First days that readings speak for, where they do not speak from the beginning (`[window]` of the source).
SINCE = {"incidents_sg1_portal": dt.date(2026, 9, 1)}

# Sources whose earlier readings hold records that the file now in the folder does not repeat.
OVERWRITTEN = {
    "assets": "earlier readings of the asset registers are overwritten: the files hold the latest changes only",
    "trainings": "the readings of 2026-06-30 and 2026-08-17 are overwritten: the files hold the latest changes only",
    "incidents": "Fictional China's reading of 2026-06-30 is overwritten by a nil return",
    "phishing": "the readings before the quarter are overwritten: the files hold the quarter's drills only",
    "milestones": "earlier readings of the log are overwritten: the file holds the changes of the last month only",
}


# ---------------------------------------------------------------------------------------------------------------- calendar

CALENDARS = {}  # entity -> the first month of its fiscal year, where it has its own; filled from keiki.toml


def read_calendars(workspace):
    with open(os.path.join(workspace, "keiki.toml"), "rb") as f:
        fiscal = tomllib.load(f)["fiscal"]
    CALENDARS.clear()
    CALENDARS.update({own["org_unit"]: own["first_month"] for own in fiscal.get("entities", [])})
    return fiscal["first_month"]


def first_month(unit):
    """Of the fiscal year that an org unit follows; who names several, and differs, follows the group's. (No entity with a year of its own
    has departments here, so that the unit's name is enough.)"""
    months = {CALENDARS.get(u.strip(), FIRST_MONTH) for u in unit.split(";")}
    return months.pop() if len(months) == 1 else FIRST_MONTH


def fiscal_year_start(d, unit):
    if d is None:
        return None
    first = first_month(unit)
    return dt.date(d.year if d.month >= first else d.year - 1, first, 1)


def fiscal_year_end(d, unit):
    return None if d is None else months_after(fiscal_year_start(d, unit), 12) - dt.timedelta(days=1)


def days_after(d, n):
    return None if d is None else d + dt.timedelta(days=n)


def months_after(d, n):
    if d is None:
        return None
    y, m = divmod(d.year * 12 + d.month - 1 + n, 12)
    last = (dt.date(y + (m == 11), (m + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
    return dt.date(y, m + 1, min(d.day, last))


def after_fiscal_year(d, r):
    """First day after the fiscal year of d, in the calendar of the record's org unit."""
    return days_after(fiscal_year_end(d, r.org_unit), 1)


def local_date(t):
    return None if t is None else t.astimezone(ZONE).date()


def least(*values):
    values = [v for v in values if v is not None]
    return min(values) if values else None


def greatest(*values):
    values = [v for v in values if v is not None]
    return max(values) if values else None


def last_day(month):
    y, m = map(int, month.split("-"))
    return dt.date(y + m // 12, m % 12 + 1, 1) - dt.timedelta(days=1)


# ------------------------------------------------------------------------------------------------------------------- types

class Rejected(Exception):
    """The row does not hold what its dataset asks for."""


def to_text(s, _):
    return s


def to_date(s, formats):
    for f in formats or ["%Y-%m-%d", "%Y/%m/%d"]:
        try:
            return dt.datetime.strptime(s, f).date()
        except ValueError:
            pass
    raise Rejected(f"not a date: {s}")


def to_instant(s, _):
    try:
        t = dt.datetime.fromisoformat(s.replace("Z", "+00:00"))
    except ValueError:
        raise Rejected(f"not an instant: {s}") from None
    return t if t.tzinfo else t.replace(tzinfo=ZONE)


def to_bool(s, _):
    if s.lower() in ("true", "yes", "1", "はい"):
        return True
    if s.lower() in ("false", "no", "0", "いいえ"):
        return False
    raise Rejected(f"not a boolean: {s}")


def decimal_of(precision, scale):
    def convert(s, _):
        try:
            d = Decimal(s)
        except InvalidOperation:
            raise Rejected(f"not a number: {s}") from None
        f = Fraction(d)
        if (f * 10 ** scale).denominator != 1 or abs(f) >= 10 ** (precision - scale):
            raise Rejected(f"does not fit: {s}")
        return f
    return convert


def to_integer(s, _):
    if not re.fullmatch(r"[+-]?\d+", s):
        raise Rejected(f"not a whole number: {s}")
    return int(s)


# --------------------------------------------------------------------------------------------- datasets: keys, types, rules
# A rule holds unless it is false; where a value is missing it passes.

def ordered(*values):
    """Every two neighbours that are known are in order."""
    return all(a is None or b is None or a <= b for a, b in zip(values, values[1:]))


def rules_assets(r):
    return ((r.inventoried_by != "declaration" or r.declared_on is not None)
            and (r.inventoried_by != "designated_tool" or r.discovered_on is not None)
            and ordered(r.inventoried_on, r.disposed_on))


def rules_assessments(r):
    return (ordered(r.score_min, r.score) and ordered(r.score, r.score_max) and ordered(r.assessed_on, r.superseded_on)
            and (r.score_min is None or r.score_max is None or r.score_max > r.score_min))


def rules_budgets(r):
    start, end = fiscal_year_start(r.fiscal_year_start_on, r.org_unit), fiscal_year_end(r.fiscal_year_start_on, r.org_unit)
    return ((r.amount is None or r.amount >= 0) and r.fiscal_year_start_on == start
            and (r.entry_kind == "budget" or r.entry_on is None or start <= r.entry_on <= end))


def rules_exercises(r):
    return ((r.planned_on is not None or r.held_on is not None) and (r.participant_count is None or r.participant_count >= 0)
            and (r.cancelled_on is None or r.held_on is None))


def rules_findings(r):
    return (ordered(r.raised_on, r.deadline_on) and ordered(r.raised_on, r.closed_on)
            and (r.origin != "supplier_audit" or r.supplier is not None))


def rules_headcounts(r):
    numbers = [r.all_staff, r.it_staff, r.security_staff, r.all_contractors, r.it_contractors, r.security_contractors]
    return (all(n is None or n >= 0 for n in numbers) and ordered(r.it_staff, r.all_staff) and ordered(r.security_staff, r.all_staff)
            and ordered(r.it_contractors, r.all_contractors) and ordered(r.security_contractors, r.all_contractors))


def rules_incidents(r):
    return (ordered(r.intruded_at, r.detected_at) and ordered(r.detected_at, r.contained_at) and ordered(r.contained_at, r.completed_at)
            and ordered(r.detected_at, r.completed_at) and (r.effort_hours is None or r.effort_hours >= 0))


def rules_milestones(r):
    return ((r.planned_on or r.plan_approved_on or r.done_on) is not None and (r.replanned_on is None) == (r.replan_approved_on is None)
            and ordered(r.done_on, r.ceased_on) and (r.ceased_on is None) == (r.ceased_because is None)
            and (r.ceased_because != "project_closed" or r.done_on is not None))


def rules_partners(r):
    return ((r.needed_on or r.assessed_on) is not None and ordered(r.needed_on, r.assessed_on) and ordered(r.needed_on, r.ceased_on)
            and (r.assessment_round is None or r.assessment_round >= 1))


def rules_drills(r):
    return (r.planned_on or r.held_on) is not None and (r.lure_difficulty is None or 1 <= r.lure_difficulty <= 5)


def rules_phishing(r):
    return ((r.opened_at is None or r.delivered is not False) and (r.reported_at is None or r.delivered is not False)
            and ordered(r.sent_at, r.opened_at) and ordered(r.sent_at, r.reported_at) and ordered(r.drill_on, r.retrained_on)
            and (r.lure_difficulty is None or 1 <= r.lure_difficulty <= 5))


def rules_rates(r):
    return r.rate > 0 and (r.currency != "JPY" or r.rate == 1)


def rules_reviews(r):
    return ((r.planned_on or r.held_on) is not None and (r.replanned_on is None) == (r.replan_approved_on is None)
            and (r.result is None or r.held_on is not None))


def rules_totals(r):
    return ((r.numerator is not None or r.value is not None) and (r.numerator is None or r.value is None)
            and (r.denominator is None or r.denominator >= 0))


def rules_audits(r):
    start = fiscal_year_start(r.fiscal_year_start_on, r.org_unit)
    return r.fiscal_year_start_on == start and (r.planned_on is None or fiscal_year_start(r.planned_on, r.org_unit) == start)


def rules_controls(r):
    return ordered(r.done_on, r.confirmed_on) and (r.confirmed_on is None or r.done_on is not None)


def rules_trainings(r):
    return (ordered(r.audience_on, r.deadline_on) and (r.passed_on is None or r.tested_on is not None) and ordered(r.tested_on, r.passed_on)
            and (r.passed_attempt is None or (r.passed_on is not None and r.passed_attempt >= 1)))


def rules_vulnerabilities(r):
    return (all(s is None or 0 <= s <= 10 for s in (r.base, r.environmental)) and ordered(r.published_on, r.started_on)
            and ordered(r.started_on, r.completed_on) and (r.completed_on is None or r.started_on is not None)
            and (r.effort_hours is None or r.effort_hours >= 0) and (r.dismissed_on is None or r.completed_on is None)
            and ordered(r.detected_on, r.dismissed_on))


def types(text="", date="", instant="", boolean="", integer="", **decimals):
    t = {c: to_text for c in text.split()}
    t.update({c: to_date for c in date.split()})
    t.update({c: to_instant for c in instant.split()})
    t.update({c: to_bool for c in boolean.split()})
    t.update({c: to_integer for c in integer.split()})
    t.update({c: decimal_of(*ps) for c, ps in decimals.items()})
    return t


Dataset = namedtuple("Dataset", "register key required fresh types rules values", defaults=(None, {}))
D2, D3 = (12, 2), (9, 3)
DATASETS = {
    "assets": Dataset(True, "asset_id", "org_unit kind", 35, types(
        "asset_id org_unit kind name location owner_id discovered_by inventoried_by",
        "effective_on owner_assigned_on declared_on discovered_on triaged_on inventoried_on monitored_on disposed_on", "", "is_in_scope"),
        rules_assets, {"kind": ("hardware", "software", "mobile", "cloud_service"), "inventoried_by": ("declaration", "designated_tool")}),
    "assessments": Dataset(False, "assessment_id", "org_unit method method_version assessed_on", 100, types(
        "assessment_id org_unit purpose subject_kind method method_version form", "assessed_on superseded_on",
        score=D3, score_min=D3, score_max=D3), rules_assessments),
    "budgets": Dataset(False, "budget_line_id", "org_unit fiscal_year_start_on entry_kind currency", 400, types(
        "budget_line_id org_unit entry_kind category currency", "fiscal_year_start_on entry_on", amount=(18, 2)), rules_budgets),
    "certifications": Dataset(True, "certification_id", "org_unit person_id", 100, types(
        "certification_id org_unit person_id qualification", "effective_on obtained_on expires_on"),
        lambda r: ordered(r.obtained_on, r.expires_on)),
    "exercises": Dataset(False, "exercise_id", "org_unit", 100, types(
        "exercise_id org_unit audience title form", "planned_on held_on cancelled_on", integer="participant_count"), rules_exercises),
    "exploited_vulnerabilities": Dataset(False, "cve_id", "listed_on", 35, types("cve_id", "listed_on due_on")),
    "findings": Dataset(False, "finding_id", "org_unit raised_on", 35, types(
        "finding_id org_unit origin title severity supplier", "raised_on deadline_on closed_on"), rules_findings),
    "headcounts": Dataset(True, "org_unit", "", 100, types(
        "org_unit", "effective_on", all_staff=D2, it_staff=D2, security_staff=D2, all_contractors=D2, it_contractors=D2,
        security_contractors=D2), rules_headcounts),
    "incidents": Dataset(False, "incident_id", "org_unit", 3, types(
        "incident_id org_unit kind severity", "", "intruded_at detected_at contained_at completed_at", "had_intrusion",
        effort_hours=(10, 2)), rules_incidents,
        {"kind": ("malware", "ransomware", "unauthorised_access", "phishing", "denial_of_service", "loss", "misdelivery", "insider", "other"),
         "severity": ("critical", "high", "medium", "low")}),
    "meetings": Dataset(False, "meeting_id", "org_unit held_on", 100, types(
        "meeting_id org_unit kind title attended_by", "held_on", integer="duration_minutes"),
        lambda r: r.duration_minutes is None or r.duration_minutes >= 0),
    "milestones": Dataset(False, "milestone_id", "org_unit", 35, types(
        "milestone_id org_unit project stage ceased_because",
        "plan_approved_on planned_on replanned_on replan_approved_on done_on ceased_on enforced_on"), rules_milestones),
    "monitoring_rollouts": Dataset(True, "rollout_id", "org_unit", 100, types(
        "rollout_id org_unit site kind", "effective_on planned_on replanned_on live_on")),
    "obligations": Dataset(True, "obligation_id", "org_unit", 100, types(
        "obligation_id org_unit kind", "effective_on planned_on met_on", "", "is_applicable")),
    "partner_assessments": Dataset(False, "assessment_id", "org_unit deal_id", 100, types(
        "assessment_id org_unit deal_id deal_kind", "needed_on assessed_on signed_on ceased_on", integer="assessment_round"), rules_partners),
    "personal_data_stores": Dataset(True, "store_id", "org_unit data_kind", 100, types(
        "store_id org_unit data_kind treatment", "effective_on planned_on anonymised_on removed_on tokenised_on", "", "is_in_scope",
        "person_count"), lambda r: r.person_count is None or r.person_count >= 0),
    "phishing_drills": Dataset(False, "drill_id", "org_unit", 100, types(
        "drill_id org_unit round", "planned_on held_on", integer="lure_difficulty"), rules_drills),
    "phishing_results": Dataset(False, "drill_id recipient_id", "org_unit drill_on", 35, types(
        "drill_id recipient_id org_unit round", "drill_on retrained_on", "sent_at opened_at reported_at", "delivered", "lure_difficulty"),
        rules_phishing),
    "plan_rates": Dataset(False, "fiscal_year_start_on currency", "rate", 400, types(
        "currency", "fiscal_year_start_on approved_on", rate=(18, 6)), rules_rates),
    "policy_requirements": Dataset(True, "requirement_id", "org_unit", 100, types(
        "requirement_id org_unit subject_kind", "effective_on planned_on met_on", "", "is_applicable")),
    "project_reviews": Dataset(False, "review_id", "org_unit", 35, types(
        "review_id org_unit project kind result", "planned_on replanned_on replan_approved_on held_on"), rules_reviews),
    "reported_figures": Dataset(False, "kpi_no indicator org_unit period", "", 0, types(
        "indicator org_unit period", integer="kpi_no", numerator=(30, 6), denominator=(30, 6), value=(20, 6)), rules_totals),
    "sharing_activities": Dataset(True, "activity_id", "org_unit", 100, types(
        "activity_id org_unit kind", "effective_on planned_on established_on lapsed_on"),
        lambda r: (r.planned_on or r.established_on) is not None and (r.lapsed_on is None or r.established_on is not None)
        and ordered(r.established_on, r.lapsed_on)),
    "rule_results": Dataset(True, "asset_id benchmark rule_id", "org_unit result checked_on", 35, types(
        "asset_id benchmark rule_id org_unit system_id result", "effective_on checked_on")),
    "supplier_audits": Dataset(False, "audit_id", "org_unit supplier fiscal_year_start_on", 100, types(
        "audit_id org_unit supplier", "fiscal_year_start_on planned_on audited_on"), rules_audits),
    "system_controls": Dataset(True, "system_id control", "org_unit", 100, types(
        "system_id control org_unit", "effective_on done_on confirmed_on", "", "is_in_scope"), rules_controls),
    "system_evaluations": Dataset(False, "evaluation_id", "org_unit evaluated_on", 35, types(
        "evaluation_id org_unit phase method result", "evaluated_on", integer="attempt"),
        lambda r: r.attempt is None or r.attempt >= 1),
    "tickets": Dataset(False, "ticket_id", "org_unit", 7, types(
        "ticket_id org_unit subject_id", "opened_on started_on completed_on", effort_hours=(10, 2)),
        lambda r: ordered(r.started_on, r.completed_on) and (r.effort_hours is None or r.effort_hours >= 0)),
    "trainings": Dataset(False, "course_id person_id", "org_unit audience_on", 35, types(
        "course_id person_id org_unit kind employment_kind", "audience_on deadline_on leave_from_on attended_on tested_on passed_on", "",
        "has_test", "passed_attempt"), rules_trainings),
    "vulnerabilities": Dataset(False, "vulnerability_id", "org_unit", 3, types(
        "vulnerability_id org_unit cve_id", "published_on detected_on started_on completed_on dismissed_on", "", "",
        base=(3, 1), environmental=(3, 1), effort_hours=(10, 2)), rules_vulnerabilities),
}


# ------------------------------------------------------------------------------------------------------------------ sources

DEPARTMENTS = "HD-SEC HD-IT HD-LEG HD-HR HD-AUD JP1-PUR "
MOST = DEPARTMENTS + "JP1 JP2 JP4 JP5 US1 SG1 CN1 DE1"  # all but Fictional Logistics
ROWS = "HD-IT-SEC " + DEPARTMENTS + "JP1 JP2 JP4 JP5 US1 SG1 CN1"  # all but that and Fictional Europe, for which totals stand
Source = namedtuple("Source", "name dataset place covers columns words dates precedence", defaults=({}, None, 100))


def pairs(text):
    """'a=b c=d' or 'a b': dataset column = column of the file."""
    return dict(p.split("=", 1) if "=" in p else (p, p) for p in text.split())


YES_NO = {"対象": "true", "対象外": "false"}
LEVELS = {"高": "high", "中": "medium", "低": "low"}
BODIES = {"経営層打合せ": "executive_briefing", "取締役会": "board", "経営会議": "management"}
PRIORITIES = {"1 - Critical": "critical", "2 - High": "high", "3 - Moderate": "medium", "4 - Low": "low"}
SEVERITIES = {"致命的": "critical", **LEVELS}
ORIGINS = {"監督官庁": "regulator", "委託先監査": "supplier_audit", "内部監査": "internal_audit"}
PROJECTS = {"事故対応手順": "incident_procedure", "公表判定基準": "disclosure_criteria", "セキュリティシステム": "security_system",
            "新法規制": "new_regulation"}
STAGES = {"分析": "analysis", "設計": "design", "承認": "approval", "構築": "build", "展開": "rollout", "運用": "operation"}
CEASED = {"中止": "cancelled", "終了": "project_closed"}
PASSED = {"合格": "passed", "条件付合格": "conditional", "不合格": "failed"}
VERDICTS = {"適合": "pass", "修正済": "fixed", "不適合": "fail", "対象外": "not_applicable"}
RESULTS = {"可": "passed", "条件付": "conditional", "差戻し": "returned"}
ASIA = {"incident_id": "Ref", "kind": "Category", "severity": "Severity", "detected_at": "Detected", "contained_at": "Contained",
        "completed_at": "Closed", "effort_hours": "Hours"}
DESK = pairs("incident_id=id org_unit=unit kind=type severity had_intrusion=intrusion intruded_at=timeline.intruded "
             "detected_at=timeline.detected contained_at=timeline.contained completed_at=timeline.completed effort_hours entered")
TRAINING = pairs("course_id=講座 person_id=社員番号 org_unit=所属 employment_kind=雇用区分 audience_on=基準日 deadline_on=受講期限 "
                 "leave_from_on=休業開始日 attended_on=受講完了日 tested_on=受検日 passed_on=合格日 passed_attempt=合格回次")
EMPLOYMENT = {"employment_kind": {"社員": "employee", "派遣": "agency"}}
PHISHING = pairs("drill_id=訓練番号 recipient_id=社員番号 org_unit=所属 drill_on=実施日 round=回 lure_difficulty=難易度 delivered=到達 "
                 "sent_at=送信日時 opened_at=開封日時 reported_at=通報日時 retrained_on=再教育日")
VULNERABILITY = pairs("vulnerability_id=id org_unit=unit cve_id=cve base=cvss.base environmental=cvss.environmental published_on=published "
                      "detected_on=detected started_on=started completed_on=completed dismissed_on=dismissed effort_hours=hours")
DEVICE = pairs("asset_id=id org_unit=org name=label owner_id=user owner_assigned_on=assigned discovered_on=enrolled inventoried_on=checked "
               "monitored_on=protected disposed_on=wiped effective_on=updated")

SOURCES = [
    Source("assessments", "assessments", "assessments.csv", "HD", pairs(
        "assessment_id=評価番号 org_unit=対象会社 purpose=目的 subject_kind=対象区分 method=手法 method_version=版 assessed_on=確定日 "
        "superseded_on=後続評価日 score=点数 score_min=満点下限 score_max=満点"),
        {"purpose": {"ベンチマーク": "benchmark", "自社評価": "own"},
         "subject_kind": {"本社": "company", "国内": "subsidiary", "海外": "overseas"}}),
    Source("assets_clouds", "assets", "assets_clouds.ndjson", DEPARTMENTS + "JP1 JP2 JP4 JP5 US1 SG1 CN1",
           {**DEVICE, "triaged_on": "triaged", "undecided": "undecided"}, precedence=30),
    Source("assets_cmdb", "assets", "assets_cmdb.csv", "HD-IT-SEC " + DEPARTMENTS + "JP1 JP2 JP4 JP5", pairs(
        "asset_id=資産番号 org_unit=管理組織 kind=区分 name=資産名 location=拠点 is_in_scope=棚卸対象 owner_id=管理責任者 owner_assigned_on=責任者決定日 "
        "declared_on=申告日 discovered_on=検出日 inventoried_on=棚卸日 inventoried_by=棚卸方法 monitored_on=監視開始日 disposed_on=廃棄日 "
        "effective_on=変更日"),
        {"kind": {"ハードウェア": "hardware", "ソフトウェア": "software"},
         "inventoried_by": {"申告": "declaration", "資産管理ツール": "designated_tool"}}, precedence=10),
    Source("assets_jp3", "assets", "jp3/assets.csv", "JP3", pairs(
        "asset_id=番号 kind=種類 name=機器名 owner_id=責任者 owner_assigned_on=責任者決定日 declared_on=申告日 inventoried_on=棚卸日 "
        "monitored_on=監視開始日 disposed_on=廃棄日 effective_on=記入日"),
        {"kind": {"機器": "hardware", "ソフト": "software", "携帯": "mobile", "クラウド": "cloud_service"}}, ["%Y/%m/%d"], 20),
    Source("assets_mobiles", "assets", "assets_mobiles.ndjson", DEPARTMENTS + "JP1 JP2 JP4 JP5 US1 SG1 CN1", DEVICE, precedence=30),
    Source("assets_overseas", "assets", "assets_overseas.csv", "US1 SG1 CN1", {
        "asset_id": "Tag", "org_unit": "Entity", "kind": "Class", "name": "Description", "owner_id": "Owner",
        "owner_assigned_on": "Owner since", "discovered_on": "First seen", "inventoried_on": "Verified",
        "monitored_on": "Monitored since", "disposed_on": "Retired", "effective_on": "Changed"}, {}, ["%m/%d/%Y"], 20),
    Source("assets_scanner", "assets", "assets_scanner.xml", "JP1", pairs(  # covers: the entity of its rows
        "asset_id=@mac org_unit=@site name=hostname discovered_on=firstSeen declared_on=declared owner_assigned_on=declared disposed_on=gone "
        "effective_on=@at"), precedence=90),
    Source("budgets", "budgets", "budgets/*.csv", "HD", pairs(
        "budget_line_id=明細番号 org_unit=会社 fiscal_year_start_on=年度開始日 entry_kind=区分 entry_on=計上日 category=予算区分 amount=金額 "
        "currency=通貨"),
        {"entry_kind": {"予算": "budget", "月別計画": "phased_plan", "実績": "spent"}, "category": {"セキュリティ": "security", "その他IT": "other_it"}}),
    Source("certifications", "certifications", "certifications.csv", "HD", pairs(
        "certification_id=登録番号 org_unit=所属 person_id=社員番号 qualification=資格 obtained_on=取得日 expires_on=有効期限 effective_on=届出日")),
    Source("controls", "system_controls", "controls.csv", "HD", pairs(
        "system_id=システムID control=統制 org_unit=所管 is_in_scope=適用 done_on=対応完了日 confirmed_on=準拠確認日 effective_on=登録日"),
        {"control": {"特権ID": "privileged_accounts", "要塞化": "hardening", "BCP": "bcp"}, "is_in_scope": YES_NO}),
    Source("drills", "phishing_drills", "drills.csv", "HD", pairs(
        "drill_id=訓練番号 org_unit=対象会社 round=回 lure_difficulty=難易度 planned_on=予定日 held_on=実施日"),
        {"round": {"初回": "first", "再テスト": "retest"}}),
    Source("evaluations", "system_evaluations", "evaluations.csv", DEPARTMENTS + "JP1 JP2 JP4 JP5 SG1 CN1 DE1", pairs(
        "evaluation_id=審査番号 org_unit=開発責任組織 attempt=回次 evaluated_on=判定日 result=判定"), {"result": PASSED}),
    Source("evaluations_jp3", "system_evaluations", "jp3/evaluations.csv", "JP3", pairs(
        "evaluation_id=番号 attempt=回 evaluated_on=日付 result=結果"), {"result": PASSED}),
    Source("exercises", "exercises", "exercises.csv", "HD", pairs(
        "exercise_id=演習番号 org_unit=参加組織 audience=対象 participant_count=参加人数 planned_on=予定日 held_on=実施日 cancelled_on=中止日"),
        {"audience": {"経営層": "executives", "CSIRT": "csirt", "グループ会社": "group_companies"}}),
    Source("findings", "findings", "findings.csv", MOST, pairs(
        "finding_id=指摘番号 org_unit=対象組織 origin=区分 supplier=委託先 raised_on=指摘日 deadline_on=対応期限 closed_on=完了日"),
        {"origin": ORIGINS}),
    Source("findings_jp3", "findings", "jp3/findings.csv", "JP3", pairs(
        "finding_id=No origin=指摘元 supplier=業者名 raised_on=受領日 deadline_on=期限 closed_on=是正日"), {"origin": ORIGINS}),
    Source("hardening_rules", "rule_results", "jp1/hardening.csv", "JP1", pairs(
        "asset_id=ホスト system_id=システムID org_unit=所管 benchmark=基準 rule_id=規則番号 result=判定 checked_on=判定日"), {"result": VERDICTS}),
    Source("hardening", "system_controls", "", "", {}, precedence=50),  # of no file: it follows from the one before
    Source("headcounts", "headcounts", "headcounts.xlsx", "HD", pairs(
        "org_unit=会社コード all_staff=全社員 it_staff=IT要員 security_staff=セキュリティ要員 all_contractors=外部要員 "
        "it_contractors=外部IT要員 security_contractors=外部セキュリティ要員 effective_on=適用日")),
    Source("incidents", "incidents", "incidents.json", DEPARTMENTS + "JP1 JP2 JP3 JP4 JP5 DE1", DESK, {"severity": SEVERITIES}, precedence=10),
    Source("incidents_cn1", "incidents", "cn1/incidents.csv", "CN1", pairs(
        "incident_id=编号 kind=类型 severity=级别 detected_at=发现时间 contained_at=遏制时间 completed_at=完成时间 effort_hours=工时"),
        {"severity": LEVELS}),
    Source("incidents_log", "incidents", "incidents_log.ndjson", DEPARTMENTS + "JP1 JP2 JP3 JP4 JP5 SG1 DE1", DESK, {"severity": SEVERITIES},
           precedence=50),
    Source("incidents_sg1", "incidents", "sg1/incidents.csv", "SG1", ASIA),
    Source("incidents_sg1_portal", "incidents", "sg1/portal.csv", "SG1", {
        "incident_id": "Issue key", "kind": "Labels", "severity": "Priority", "detected_at": "Created", "contained_at": "Contained",
        "completed_at": "Resolved", "effort_hours": "Effort hours"}),
    Source("incidents_us1", "incidents", "us1/incidents.csv", "US1", pairs(
        "incident_id=number kind=category severity=priority had_intrusion=u_intrusion intruded_at=u_intruded_at detected_at=opened_at "
        "contained_at=u_contained_at completed_at=closed_at effort_hours=u_effort_hours"), {"severity": PRIORITIES}),
    Source("kev", "exploited_vulnerabilities", "kev.csv", "", pairs("cve_id=cveID listed_on=dateAdded due_on=dueDate")),
    Source("meetings", "meetings", "meetings.ics", "HD", pairs(
        "meeting_id=uid org_unit=company kind=kind held_on=held duration_minutes=minutes attended_by=attended")),
    Source("milestones", "milestones", "milestones.csv", MOST, pairs(
        "entered=更新日時 milestone_id=マイルストーンID org_unit=担当組織 project=区分 stage=工程 plan_approved_on=計画承認日 planned_on=計画完了日 "
        "replanned_on=改訂計画日 replan_approved_on=改訂承認日 done_on=実績日 ceased_on=終了日 ceased_because=終了理由 enforced_on=施行日"),
        {"project": PROJECTS, "stage": STAGES, "ceased_because": CEASED}),
    Source("milestones_jp3", "milestones", "jp3/milestones.csv", "JP3", pairs(
        "milestone_id=No project=種別 stage=ステップ plan_approved_on=計画承認 planned_on=予定 replanned_on=見直し後 "
        "replan_approved_on=見直し承認 done_on=完了 ceased_on=終了 ceased_because=理由 enforced_on=施行"),
        {"project": PROJECTS, "stage": STAGES, "ceased_because": CEASED}),
    Source("monitoring", "monitoring_rollouts", "monitoring.csv", "HD", pairs(
        "rollout_id=計画番号 org_unit=拠点の組織 site=拠点 planned_on=稼働計画日 replanned_on=改訂計画日 live_on=稼働日 effective_on=登録日")),
    Source("monitoring_seen", "monitoring_rollouts", "", "", {}, precedence=50),  # of no file: it follows from the assets
    Source("obligations", "obligations", "obligations.csv", "HD", pairs(
        "obligation_id=管理番号 org_unit=対象会社 is_applicable=適用 planned_on=充足計画日 met_on=充足日 effective_on=登録日")),
    Source("partners", "partner_assessments", "partners.csv", "HD", pairs(
        "assessment_id=評価番号 org_unit=主管会社 deal_id=案件番号 assessment_round=回 needed_on=評価依頼日 assessed_on=評価日 signed_on=契約日 "
        "ceased_on=取下日")),
    Source("personal_data", "personal_data_stores", "personal_data.csv", "HD", pairs(
        "store_id=台帳番号 org_unit=保有組織 data_kind=区分 person_count=件数 is_in_scope=措置対象 planned_on=措置予定日 "
        "anonymised_on=匿名化日 removed_on=廃棄日 tokenised_on=トークン化日 effective_on=登録日"),
        {"data_kind": {"顧客": "customer", "従業員": "employee", "カード": "card"}, "is_in_scope": YES_NO}),
    Source("phishing", "phishing_results", "phishing.csv.gz", ROWS, PHISHING),
    Source("phishing_jp3", "phishing_results", "jp3/phishing.zip", "JP3", PHISHING),
    Source("plan_rates", "plan_rates", "plan_rates.csv", "", pairs("fiscal_year_start_on=年度開始日 currency=通貨 rate=レート approved_on=承認日")),
    Source("policy", "policy_requirements", "policy.txt", "HD", pairs(
        "requirement_id=要求番号 org_unit=現地法人 is_applicable=適用区分 planned_on=準拠計画日 met_on=準拠確認日 effective_on=登録日"),
        {"is_applicable": YES_NO}),
    Source("reviews", "project_reviews", "reviews.csv", MOST, pairs(
        "review_id=審査番号 org_unit=担当組織 planned_on=予定日 replanned_on=改訂予定日 replan_approved_on=改訂承認日 held_on=開催日 result=結果"),
        {"result": RESULTS}),
    Source("reviews_jp3", "project_reviews", "jp3/reviews.csv", "JP3", pairs(
        "review_id=No planned_on=予定 replanned_on=見直し replan_approved_on=見直し承認 held_on=実施 result=結果"), {"result": RESULTS}),
    Source("sharing", "sharing_activities", "sharing.csv", "HD", pairs(
        "activity_id=番号 org_unit=参加組織 planned_on=構築計画日 established_on=構築日 lapsed_on=失効日 effective_on=登録日")),
    Source("supplier_audits", "supplier_audits", "supplier_audits.csv", "HD", pairs(
        "audit_id=監査番号 org_unit=委託元 supplier=委託先 fiscal_year_start_on=年度開始日 planned_on=予定日 audited_on=実施日")),
    Source("tickets_jp2", "tickets", "jp2/tickets.csv", "JP2", pairs(
        "ticket_id=チケット org_unit=所属 subject_id=対象 opened_on=起票日 started_on=着手日 completed_on=完了日 effort_hours=作業時間")),
    Source("totals_de1", "reported_figures", "totals_de1.csv", "HD", {
        "kpi_no": "KPI", "indicator": "Indicator", "org_unit": "Entity", "period": "Period", "numerator": "Numerator",
        "denominator": "Denominator", "value": "Ratio only"}),
    Source("trainings", "trainings", "trainings.zip", ROWS, TRAINING, EMPLOYMENT),
    Source("trainings_jp3", "trainings", "jp3/trainings.csv", "JP3", TRAINING, EMPLOYMENT),
    Source("vulnerabilities", "vulnerabilities", "vulnerabilities.ndjson", MOST, VULNERABILITY),
    Source("vulnerabilities_jp3", "vulnerabilities", "jp3/vulnerabilities.ndjson", "JP3", VULNERABILITY),
    Source("vulnerabilities_tickets", "vulnerabilities", "", "", {}, precedence=50),  # of no file: it follows from the tickets
]


def complete(source, v):
    """What a source says of all its rows, or derives from other columns of the row."""
    name = source.name
    if name.endswith("_jp3") and v.get("org_unit") is None and name not in ("trainings_jp3", "phishing_jp3", "vulnerabilities_jp3"):
        v["org_unit"] = "JP3"
    if name == "incidents_cn1":
        v["org_unit"] = "CN1"
    if name.startswith("incidents_sg1"):
        v["org_unit"] = "SG1"
        v["severity"] = v["severity"] and v["severity"].lower()
    if name == "incidents_us1":
        v["org_unit"] = "US1"
    if name == "policy":
        v["subject_kind"] = "overseas"
    if source.dataset == "trainings":
        check = v["course_id"] is not None and v["course_id"].startswith("SC")
        v["kind"], v["has_test"] = ("self_check", "false") if check else ("course", "true")
    if source.dataset == "phishing_results":
        v["round"] = "first" if v["round"] == "初回" else "retest"
    if name in ("assets_clouds", "assets_mobiles"):
        v["kind"] = "cloud_service" if name == "assets_clouds" else "mobile"
        v["is_in_scope"] = "true" if v.pop("undecided", None) is None else None
    if name in ("assets_overseas", "assets_scanner", "assets_jp3"):
        v["is_in_scope"] = "true"
    if name == "assets_overseas":
        v["kind"] = v["kind"] and v["kind"].lower()
    if name == "assets_scanner":
        v["kind"], v["asset_id"] = "hardware", "NET-" + v["asset_id"]
    if name in ("assets_clouds", "assets_mobiles", "assets_overseas", "assets_jp3"):
        by = "declaration" if name == "assets_jp3" else "designated_tool"
        v["inventoried_by"] = by if v["inventoried_on"] is not None else None


# ----------------------------------------------------------------------------------------------------------- reading the files

def flat(value, prefix=""):
    """A JSON object as columns a.b.c of texts."""
    out = {}
    for k, v in value.items():
        if isinstance(v, dict):
            out.update(flat(v, prefix + k + "."))
        elif v is None:
            out[prefix + k] = None
        elif isinstance(v, bool):
            out[prefix + k] = "true" if v else "false"
        else:
            out[prefix + k] = v if isinstance(v, str) else str(v)
    return out


def decoded(data):
    """Text in the encoding that the file shows: a byte order mark, UTF-8, else the one of two Japanese ones that fits and has kana."""
    if data.startswith(b"\xff\xfe"):
        return data.decode("utf-16")
    for encoding in ("utf-8-sig", "euc_jp", "cp932"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding != "euc_jp" or "番号" in text:
            return text
    raise ValueError("no encoding fits")


def rows_of_workbook(data):
    """The first sheet of an .xlsx file below its title: the headings stand in the first row that has several cells."""
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        strings = ["".join(t.text or "" for t in item.iter("{%s}t" % space["m"]))
                   for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml")).findall("m:si", space)]
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    rows, names = [], None
    for row in sheet.iter("{%s}row" % space["m"]):
        cells = {}
        for cell in row.findall("m:c", space):
            value = cell.find("m:v", space)
            if value is not None:
                letters = cell.get("r").rstrip("0123456789")
                cells[letters] = strings[int(value.text)] if cell.get("t") == "s" else value.text
        if names is None:
            names = cells if len(cells) > 1 else None
            continue
        values = {name: cells.get(letters) for letters, name in names.items()}
        if values.get("適用日") is not None:  # a day is the number of days since 30 December 1899
            values["適用日"] = str(dt.date(1899, 12, 30) + dt.timedelta(days=int(values["適用日"])))
        rows.append(values)
    return rows


def rows_of_calendar(text):
    """The events of an .ics file. Lines that begin with a space go on with the line before."""
    rows, event = [], None
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines():
        name, _, value = line.partition(":")
        name, *parameters = name.split(";")
        if line == "BEGIN:VEVENT":
            event = defaultdict(list)
        elif line == "END:VEVENT":
            start, end = (dt.datetime.strptime(event[k][0], "%Y%m%dT%H%M%S") if k in event else None for k in ("DTSTART", "DTEND"))
            kinds = [BODIES[c] for c in event["CATEGORIES"][0].split(",") if c in BODIES]
            came = ["ciso" if "ciso@" in who else "deputy" for how, who in event["ATTENDEE"] if how == "PARTSTAT=ACCEPTED"]
            rows.append({"uid": event["UID"][0], "company": event["LOCATION"][0].split(" ")[0], "kind": kinds[0] if kinds else None,
                         "held": str(start.date()), "minutes": str(int((end - start).total_seconds()) // 60) if end else None,
                         "attended": came[0] if came else "nobody" if event["ATTENDEE"] else None})
            event = None
        elif event is not None:
            event[name].append((parameters[0], value) if name == "ATTENDEE" else value)
    return rows


def rows_of(path, data):
    if path.endswith(".gz"):
        return rows_of(path[:-3], gzip.decompress(data))
    if path.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [row for name in sorted(archive.namelist()) for row in rows_of(name, archive.read(name))]
    if path.endswith(".xlsx"):
        return rows_of_workbook(data)
    if path.endswith(".xml"):
        return [{"@site": site.get("id"), **{"@" + k: v for k, v in device.items()}, **{e.tag: e.text for e in device}}
                for site in ElementTree.fromstring(data).iter("site") for device in site.iter("device")]
    text = decoded(data)
    if path.endswith(".ics"):
        return rows_of_calendar(text)
    if path.endswith((".csv", ".txt")):
        lines = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if path.endswith(".txt") else ",")
        return [{k: (v if v != "" else None) for k, v in row.items()} for row in lines]
    if path.endswith(".json"):
        return [flat(o) for o in json.loads(text, parse_float=str)]
    return [flat(json.loads(line, parse_float=str)) for line in text.splitlines() if line.strip()]


class Record:
    """A row in its types; a column that no source fills is null."""

    def __init__(self, values):
        self.__dict__.update(values)

    def __getattr__(self, name):
        return None

    def __eq__(self, other):
        return self.__dict__ == other.__dict__


def typed(source, row):
    dataset = DATASETS[source.dataset]
    v = {}
    for column, named in source.columns.items():
        v[column] = row.get(named)
        if column in source.words and v[column] is not None:
            v[column] = source.words[column].get(v[column])
    complete(source, v)
    out = {}
    for column, convert in dataset.types.items():
        value = v.get(column)
        out[column] = None if value is None else convert(value, source.dates)
    if v.get("entered") is not None:
        out["entered"] = to_instant(v["entered"], None)
    for column in (dataset.key + " " + dataset.required).split():
        if out[column] is None:
            raise Rejected(f"{column} is missing")
    for column, allowed in dataset.values.items():
        if out[column] is not None and out[column] not in allowed:
            raise Rejected(f"{column}: {out[column]}")
    record = Record(out)
    if dataset.rules is not None and not dataset.rules(record):
        raise Rejected("a rule is broken")
    return record


LOGS = ("incidents_log", "milestones")
PLANS_APPROVED = {2025: dt.datetime(2025, 4, 2, tzinfo=ZONE), 2026: dt.datetime(2026, 4, 2, tzinfo=ZONE)}  # from the day after the approval


def keep_plan(source, before, record):
    """The plan of a year stands as it was approved; a day that moves later is a revision."""
    if source.name != "milestones":  # those of Fictional Logistics are still open
        return

    def is_frozen(r):
        day = r.planned_on if r else None
        year = None if day is None else fiscal_year_start(day, record.org_unit).year
        return year in PLANS_APPROVED and record.entered >= PLANS_APPROVED[year]

    if is_frozen(before) or is_frozen(record):
        kept = before.planned_on if before else None
        if record.planned_on != kept:
            record.replanned_on = record.replanned_on or record.planned_on
            record.planned_on = kept


class Evidence:
    """What all readings together say: of a fact its last version, of a register every step of every record."""

    def __init__(self, workspace, deliveries=None):
        self.rejected = []  # (source, reason)
        with open(os.path.join(workspace, "programme.toml"), "rb") as f:
            self.applicability = tomllib.load(f).get("applicability", [])
        self.said = defaultdict(dict)  # source -> key -> record, or (register) key -> {day: record}
        self.standing = {}  # (dataset, day) -> records, of registers
        self.delivered = deliveries is not None
        folder = os.path.join(workspace, "evidence")
        here = sorted(os.path.relpath(os.path.join(d, f), folder) for d, _, files in os.walk(folder) for f in files)
        earlier = defaultdict(list)
        if deliveries is not None:
            for name in sorted(os.listdir(deliveries)):
                if os.path.getsize(os.path.join(deliveries, name)):  # a file caught while it was being written is empty
                    earlier[name.split("_", 1)[1].replace("__", "/")].append(os.path.join(deliveries, name))
        for source in SOURCES:
            files = [p for p in here if fnmatch.fnmatchcase(p, source.place)]
            if "*" not in source.place:
                for path in earlier[source.place]:
                    self.read(source, [path])
            self.read(source, [os.path.join(folder, p) for p in files])
        self.harden()
        self.work_by_tickets()
        self.facts = {}
        ranked = sorted(SOURCES, key=lambda s: (s.precedence, s.name))
        for name, dataset in DATASETS.items():
            if not dataset.register:
                self.facts[name] = {}
                for source in ranked:
                    if source.dataset == name:
                        for key, record in self.said[source.name].items():
                            self.facts[name].setdefault(key, record)
        for b in self.facts["budgets"].values():
            rate = self.facts["plan_rates"].get((b.fiscal_year_start_on, b.currency))
            b.plan_rate = rate.rate if rate else None
        for v in self.facts["vulnerabilities"].values():
            listed = self.facts["exploited_vulnerabilities"].get((v.cve_id,))
            v.listed_on = listed.listed_on if listed else None
        self.watch()

    def read(self, source, paths):
        """One reading: all its files together."""
        dataset = DATASETS[source.dataset]
        records, seen = [], {}
        for path in paths:
            with open(path, "rb") as f:
                data = f.read()
            for row in rows_of(path, data):
                try:
                    record = typed(source, row)
                except Rejected as e:
                    self.rejected.append((source.name, str(e)))
                    continue
                key = tuple(getattr(record, c) for c in dataset.key.split())
                if source.name not in LOGS:  # a log of changes has a version per row
                    at = (key, record.effective_on)
                    if at in seen:
                        if seen[at] != record:
                            self.rejected.append((source.name, "a second row of one key and day"))
                        continue
                    seen[at] = record
                records.append((key, record))
        if source.name in LOGS:
            records.sort(key=lambda kr: kr[1].entered)  # stable: of one time, the later row
        for key, record in records:
            if dataset.register:
                self.said[source.name].setdefault(key, {})[record.effective_on] = record
            else:
                keep_plan(source, self.said[source.name].get(key), record)
                self.said[source.name][key] = record

    def harden(self):
        """A system is hardened on the day on which four fifths of the rules that apply to it had passed."""
        by_system = defaultdict(list)
        for steps in self.said["hardening_rules"].values():
            last = steps[max(steps, key=lambda d: d or BEGINNING)]
            if last.result in ("pass", "fixed", "fail"):
                by_system[last.system_id].append(last)
        for system, results in by_system.items():
            passed = sorted(r.checked_on for r in results if r.result != "fail")
            needed = -(-len(results) * 4 // 5)
            registered = self.said["controls"].get((system, "hardening"))
            if registered is None or len(passed) < needed:
                continue
            hardened = Record(dict(registered[max(registered)].__dict__))
            hardened.done_on = hardened.effective_on = passed[needed - 1]
            hardened.confirmed_on = max(r.checked_on for r in results)
            self.said["hardening"][system, "hardening"] = {hardened.done_on: hardened}

    def work_by_tickets(self):
        """Work on a vulnerability began and ended when the ticket about it says so."""
        for ticket in self.said["tickets_jp2"].values():
            found = self.said["vulnerabilities"].get((ticket.subject_id,))
            if found is None or ticket.started_on is None:
                continue
            worked = Record(dict(found.__dict__))
            worked.started_on, worked.completed_on, worked.effort_hours = ticket.started_on, ticket.completed_on, ticket.effort_hours
            self.said["vulnerabilities_tickets"][ticket.subject_id,] = worked

    def watch(self):
        """Monitoring is live at a site on the day on which nine tenths of its machines were watched, as the last reading has them."""
        sites = defaultdict(list)
        for asset in self.in_force("assets", last_day("2026-09")):
            if asset.kind == "hardware" and asset.is_in_scope and asset.disposed_on is None and asset.location is not None:
                sites[asset.org_unit, asset.location].append(asset.monitored_on)
        for key, steps in self.said["monitoring"].items():
            planned = steps[max(steps)]
            machines = sites[planned.org_unit, planned.site]
            watched = sorted(day for day in machines if day is not None)
            needed = -(-len(machines) * 9 // 10)
            if not machines or len(watched) < needed:
                continue
            live = Record(dict(planned.__dict__))
            live.live_on = live.effective_on = watched[needed - 1]
            self.said["monitoring_seen"][key] = {live.live_on: live}

    def in_force(self, name, day):
        """The records of a dataset as they stand on a day."""
        if not DATASETS[name].register:
            return list(self.facts[name].values())
        if (name, day) in self.standing:
            return self.standing[name, day]
        standing = {}
        for source in sorted((s for s in SOURCES if s.dataset == name), key=lambda s: (s.precedence, s.name)):
            for key, steps in self.said[source.name].items():
                days = [d for d in steps if d <= day]
                if days and key not in standing:
                    standing[key] = steps[max(days)]
        self.standing[name, day] = list(standing.values())
        return self.standing[name, day]


# ------------------------------------------------------------------------------------------------------------------ org tree

class Tree:
    """The org tree as it stands on a day."""

    def __init__(self, workspace, day):
        with open(os.path.join(workspace, "org.csv"), encoding="utf-8-sig", newline="") as f:
            rows = list(csv.DictReader(f))
        self.unit, self.ended = {}, {}
        for row in rows:
            begins = dt.date.fromisoformat(row["valid_from"]) if row["valid_from"] else BEGINNING
            ends = dt.date.fromisoformat(row["valid_until"]) if row["valid_until"] else None
            if begins <= day and (ends is None or day < ends):
                self.unit[row["id"]] = row
            elif ends is not None and ends <= day:
                self.ended[row["id"]] = row["successor_id"]
        self.root = next(i for i, row in self.unit.items() if not row["parent_id"])

    def home(self, unit):
        """Where the evidence of a unit counts on this day."""
        seen = set()
        while unit not in self.unit:
            if unit in seen or not self.ended.get(unit):
                return "unassigned"
            seen.add(unit)
            unit = self.ended[unit]
        return unit

    def line(self, unit):
        """The unit and all above it."""
        out = []
        while unit:
            out.append(unit)
            unit = self.root if unit == "unassigned" else self.unit[unit]["parent_id"]
        return out

    def children(self, unit):
        return [i for i, row in self.unit.items() if row["parent_id"] == unit]

    def entity(self, unit):
        return next(u for u in self.line(unit) if self.unit[u]["kind"] != "department")

    def entities(self, unit, kinds=None):
        return [i for i, row in self.unit.items() if row["kind"] != "department" and unit in self.line(i)
                and (kinds is None or row["kind"] in kinds)]


# ------------------------------------------------------------------------------------------------------ one cell of the table

class Cell:
    """One KPI's indicator, of one org unit, in one month."""

    def __init__(self, evidence, tree, unit, month, no, indicator):
        self.evidence, self.tree, self.unit, self.month = evidence, tree, unit, month
        self.last = last_day(month)
        self.first = self.last.replace(day=1)
        self.no, self.owed = no, None
        self.totals = {}
        for t in evidence.facts["reported_figures"].values():
            if (t.kpi_no, t.indicator, t.period) == (no, indicator, month) and t.numerator is not None and t.org_unit in tree.unit:
                if unit in tree.line(t.org_unit):
                    self.totals[t.org_unit] = t

    def claimed(self, dataset, unit):
        """A reading says that it holds everything of the unit until the month's end, give or take the grace of its dataset.

        It speaks from the beginning, as all registers state their rows' own days, but for facts that are read with a window."""
        for source in SOURCES:
            if SINCE.get(source.name, BEGINNING) > self.first:
                continue
            if source.dataset == dataset and set(source.covers.split()) & set(self.tree.line(unit)):
                for as_of in READINGS.get(source.name, MONTHLY):
                    if self.last <= days_after(dt.date.fromisoformat(as_of), DATASETS[dataset].fresh):
                        return True
        below = self.tree.children(unit)
        return bool(below) and all(self.claimed(dataset, u) for u in below)

    def covered(self, dataset, unit):
        """A reading or a total speaks for the unit, or for each department directly below it (each entity, where it has no department).
        What names the unit itself waits for a reading that speaks for it."""
        if set(self.totals) & set(self.tree.line(unit)) or self.claimed(dataset, unit):
            return True
        below = self.tree.children(unit)
        parts = [u for u in below if self.tree.unit[u]["kind"] == "department"] or below
        parts = [u for u in parts if self.concerns(u)]
        return bool(parts) and all(self.covered(dataset, u) for u in parts) and not self.has_own(dataset, unit)

    def has_own(self, dataset, unit):
        """A record names this very unit."""
        return any(unit in (self.tree.home(named.strip()) for named in r.org_unit.split(";"))
                   for r in self.evidence.in_force(dataset, self.last))

    def owing(self, kinds=None):
        """The entities of the org unit; a department stands for itself, as a part of its entity."""
        if self.tree.unit[self.unit]["kind"] == "department":
            entity = self.tree.unit[self.tree.entity(self.unit)]
            return [self.unit] if kinds is None or entity["kind"] in kinds else []
        return self.tree.entities(self.unit, kinds)

    def concerns(self, unit):
        """The programme does not say of the unit, or of one above it, that the KPI does not concern it."""
        for above in self.tree.line(unit):
            said = [a for a in self.evidence.applicability if (a["kpi"], a["org_unit"]) == (self.no, above)
                    and dt.date.fromisoformat(str(a["from"])) <= self.last]
            if said:
                return said[-1]["applies"]
        return True

    def silent(self, dataset, kinds=None):
        """Nobody owes the figure, or nobody who does has reported."""
        self.owed = {e: self.covered(dataset, e) for e in self.owing(kinds) if self.concerns(e)}
        return not any(self.owed.values())

    def coverage(self):
        """How many of those who owe the figure have reported, how many owe it, and the people of both."""
        if self.owed is None:
            return None
        people = defaultdict(Fraction)
        for r in self.evidence.in_force("headcounts", self.last):
            home = self.tree.home(r.org_unit)
            if home != "unassigned" and self.claimed("headcounts", home):
                people[self.tree.entity(home)] += r.all_staff or 0
        whole = {e: int(people[e]) for e in self.owed}
        return (sum(self.owed.values()), len(self.owed), sum(whole[e] for e, is_in in self.owed.items() if is_in), sum(whole.values()))

    def homes(self, dataset, record):
        """The units at which a record counts: those that reported, and for which no total stands."""
        out = set()
        for named in record.org_unit.split(";"):
            home = self.tree.home(named.strip())
            if home != "unassigned":
                if set(self.totals) & set(self.tree.line(home)) or not self.claimed(dataset, home):
                    continue
            out.add(home)
        return out

    def records(self, dataset):
        """The records that count for the org unit, each once, as they stand on the month's last day."""
        counts = {}  # by what the records name as their org unit
        for record in self.evidence.in_force(dataset, self.last):
            if record.org_unit not in counts:
                counts[record.org_unit] = any(self.unit in self.tree.line(h) for h in self.homes(dataset, record))
            if counts[record.org_unit]:
                yield record

    def stock(self, begins, ends):
        """In force on the month's last day. None as a beginning: not counted."""
        return begins is not None and begins <= self.last and not (ends is not None and ends <= self.last)

    def flow(self, day):
        return day is not None and self.first <= day <= self.last


Figure = namedtuple("Figure", "value numerator denominator coverage", defaults=(None,))
NOTHING = Figure(None, None, None)


def ratio(cell, dataset, numerator, denominator, kinds=None):
    """Each of the two tells of a record: false = not counted, true = 1, a number, or UNKNOWN."""
    if cell.silent(dataset, kinds):
        return NOTHING
    sums, known, unknown = [Fraction(0), Fraction(0)], [0, 0], [0, 0]
    for record in cell.records(dataset):
        for i, measure in enumerate((numerator, denominator)):
            m = measure(record)
            if m is UNKNOWN:
                unknown[i] += 1
            elif m is not False:
                sums[i] += m
                known[i] += 1
    for t in cell.totals.values():
        sums[0] += t.numerator
        sums[1] += t.denominator
    if known[1] == 0 and unknown[1] > 0 and not cell.totals:
        return NOTHING
    return Figure(sums[0] / sums[1] if sums[1] else None, sums[0], sums[1])


def count(cell, dataset, measure):
    if cell.silent(dataset):
        return NOTHING
    total = Fraction(0)
    for record in cell.records(dataset):
        m = measure(record)
        if m is not UNKNOWN and m is not False:
            total += m
    for t in cell.totals.values():
        total += t.numerator
    return Figure(total, None, None)


def mean(cell, dataset, measure, per=1):
    """per: how many of the values' unit make one of the figure's."""
    if cell.silent(dataset):
        return NOTHING
    total, n, unknown = Fraction(0), 0, 0
    for record in cell.records(dataset):
        m = measure(record)
        if m is UNKNOWN:
            unknown += 1
        elif m is not False:
            total += m
            n += 1
    for t in cell.totals.values():
        total += t.numerator
        n += int(t.denominator)
    if n == 0 and unknown > 0:
        return NOTHING
    return Figure(total / n / per if n else None, total, Fraction(n))


def seconds(a, b):
    """Between two instants, or two dates; unknown where one is."""
    if a is None or b is None:
        return UNKNOWN
    d = b - a
    return Fraction(d.days * 86400 + d.seconds) + Fraction(d.microseconds, 10 ** 6)


# ---------------------------------------------------------------------------------------------------------- the 47 KPIs

def inventory(cell, kind):
    """1 to 4. The cycle is the default: twelve months, so the fiscal year."""
    def in_scope(r):
        if r.kind != kind or r.is_in_scope is False or not cell.stock(r.effective_on, r.disposed_on):
            return False
        return True if r.is_in_scope else UNKNOWN

    def inventoried(r):
        if r.inventoried_on is None or r.owner_assigned_on is None or r.inventoried_by not in ("declaration", "designated_tool"):
            return False
        until = least(r.disposed_on, after_fiscal_year(r.inventoried_on, r))
        return in_scope(r) if cell.stock(greatest(r.inventoried_on, r.owner_assigned_on), until) else False
    return ratio(cell, "assets", inventoried, in_scope)


def kpi_1(cell):
    return inventory(cell, "hardware")


def kpi_2(cell):
    return inventory(cell, "software")


def kpi_3(cell):
    return inventory(cell, "mobile")


def kpi_4(cell):
    return inventory(cell, "cloud_service")


def met_to_plan(cell, dataset, flag, done, planned, kinds=None):
    """The shape of 5, 6, 17: requirements that a flag may leave out."""
    def when(r, begins):
        if flag(r) is False or not cell.stock(begins, r.ceased_on):
            return False
        return True if flag(r) else UNKNOWN
    return ratio(cell, dataset, lambda r: when(r, done(r)), lambda r: when(r, planned(r)), kinds)


def kpi_5(cell):
    return met_to_plan(cell, "obligations", lambda r: r.is_applicable, lambda r: r.met_on, lambda r: least(r.planned_on, r.enforced_on))


def kpi_6(cell):
    def done(r):
        substituted = r.tokenised_on if r.data_kind in "card" else None  # the parameter's default: card data only
        return least(r.anonymised_on, r.removed_on, substituted)
    return met_to_plan(cell, "personal_data_stores", lambda r: r.is_in_scope, done, lambda r: r.planned_on)


def findings_closed(cell, origin):
    """7 and 39: findings raised this fiscal year or open when it began."""
    def when(r, begins):
        if r.origin is not None and r.origin != origin or not cell.stock(begins, after_fiscal_year(r.closed_on, r)):
            return False
        return True if r.origin == origin else UNKNOWN
    return ratio(cell, "findings", lambda r: when(r, r.closed_on), lambda r: when(r, r.raised_on))


def kpi_7(cell):
    return findings_closed(cell, "regulator")


def kpi_8_security_to_it_ratio(cell):
    def staff(r, value):
        return UNKNOWN if r.it_staff is None or r.security_staff is None else value
    return ratio(cell, "headcounts", lambda r: staff(r, r.security_staff), lambda r: staff(r, r.it_staff))


def kpi_8_security_to_all_ratio(cell):
    def staff(r, value):
        return UNKNOWN if r.all_staff is None or r.security_staff is None else value
    return ratio(cell, "headcounts", lambda r: staff(r, r.security_staff), lambda r: staff(r, r.all_staff))


def kpi_9(cell):
    if cell.silent("certifications"):
        return NOTHING
    people = set()
    for r in cell.records("certifications"):
        listed = r.qualification in ("RISS", "CISSP", "CCSP", "SSCP", "CISM", "CISA", "GIAC", "OSCP")
        if listed and cell.stock(r.obtained_on, days_after(r.expires_on, 1)):
            people.add(r.person_id)
    return Figure(Fraction(len(people)), None, None)


def budget_of(cell, entry_kind, categories):
    def amount(r):
        if r.entry_kind != entry_kind or (r.category is not None and r.category not in categories):
            return False
        begins = r.fiscal_year_start_on if entry_kind == "budget" else greatest(r.entry_on, r.fiscal_year_start_on)
        if not cell.stock(begins, after_fiscal_year(r.fiscal_year_start_on, r)):
            return False
        if r.category is None or r.amount is None or r.plan_rate is None or (entry_kind == "spent" and r.entry_on is None):
            return UNKNOWN
        return r.amount * r.plan_rate
    return amount


def kpi_10(cell):
    return ratio(cell, "budgets", budget_of(cell, "budget", ["security"]), budget_of(cell, "budget", ["security", "other_it"]))


def kpi_11(cell):
    return ratio(cell, "budgets", budget_of(cell, "spent", ["security"]), budget_of(cell, "budget", ["security"]))


def kpi_12(cell):
    return count(cell, "system_evaluations", lambda r: cell.flow(r.evaluated_on))


def kpi_13(cell):
    def result(r, wanted):
        if not cell.flow(r.evaluated_on):
            return False
        return UNKNOWN if r.result is None else r.result in wanted
    return ratio(cell, "system_evaluations", lambda r: result(r, ["passed"]), lambda r: result(r, ["passed", "conditional", "failed"]))


def in_validity(cell, r):
    return cell.stock(r.assessed_on, least(r.superseded_on, months_after(r.assessed_on, 15)))


def latest_score(cell, wanted, group):
    """14 and 15: of each group the last, of several on one day the lowest; one group only, or it is no figure."""
    if cell.silent("assessments", ["group", "company"]):
        return NOTHING
    groups = {}
    for r in cell.records("assessments"):
        if wanted(r) and in_validity(cell, r) and None not in (r.score, r.score_min, r.score_max):
            score = (r.score - r.score_min) / (r.score_max - r.score_min)
            held = groups.get(group(r))
            if held is None or r.assessed_on > held[0] or (r.assessed_on == held[0] and score < held[1]):
                groups[group(r)] = (r.assessed_on, score)
    return Figure(next(iter(groups.values()))[1] if len(groups) == 1 else None, None, None)


def kpi_14(cell):
    return latest_score(cell, lambda r: r.purpose == "benchmark" and r.subject_kind == "company"
                        and r.method == "IPA情報セキュリティ対策ベンチマーク", lambda r: r.org_unit)


def kpi_15(cell):
    return latest_score(cell, lambda r: r.purpose == "own" and r.subject_kind == "company", lambda r: (r.org_unit, r.method))


def kpi_16_assessed_entities_ratio(cell):
    kinds = ["subsidiary", "overseas"]
    if cell.silent("assessments", kinds):
        return NOTHING
    expected = [e for e, has_reported in cell.owed.items() if has_reported]
    assessed = set()
    for r in cell.records("assessments"):
        if r.subject_kind in kinds and in_validity(cell, r):
            for home in cell.homes("assessments", r):
                assessed.add(cell.tree.entity(home))
    n = sum(1 for e in expected if e in assessed)
    return Figure(Fraction(n, len(expected)), Fraction(n), Fraction(len(expected)))


def entity_scores(cell):
    groups = defaultdict(list)
    for r in cell.records("assessments"):
        if r.subject_kind in ("subsidiary", "overseas") and r.score is not None and in_validity(cell, r):
            groups[r.method, r.method_version].append(r.score)
    return sorted(next(iter(groups.values()))) if len(groups) == 1 else None


def kpi_16_score_lowest(cell):
    scores = None if cell.silent("assessments") else entity_scores(cell)
    return Figure(scores[0], None, None) if scores else NOTHING


def kpi_16_score_median(cell):
    scores = None if cell.silent("assessments") else entity_scores(cell)
    return Figure((scores[(len(scores) - 1) // 2] + scores[len(scores) // 2]) / 2, None, None) if scores else NOTHING


def kpi_17(cell):
    def flag(r):
        return False if r.subject_kind not in (None, "overseas") else r.is_applicable
    return met_to_plan(cell, "policy_requirements", flag, lambda r: r.met_on, lambda r: r.planned_on, ["overseas"])


def kpi_18(cell):
    return ratio(cell, "monitoring_rollouts", lambda r: cell.stock(r.live_on, least(r.stopped_on, r.ceased_on)),
                 lambda r: cell.stock(r.planned_on, r.ceased_on))


def exercises_held(cell, audience):
    def when(r, begins, ends):
        if r.audience not in (None, audience) or not cell.stock(begins, ends):
            return False
        return UNKNOWN if r.audience is None else True
    return ratio(cell, "exercises", lambda r: when(r, r.held_on, after_fiscal_year(r.held_on, r)),
                 lambda r: when(r, r.planned_on, least(r.cancelled_on, after_fiscal_year(r.planned_on, r))))


def kpi_19(cell):
    return exercises_held(cell, "executives")


def kpi_20(cell):
    return exercises_held(cell, "csirt")


def kpi_21(cell):
    return exercises_held(cell, "group_companies")


def kpi_22(cell):
    def identification(r):
        intrusion = r.had_intrusion if r.had_intrusion is not None else (True if r.intruded_at is not None else None)
        if intrusion is False or not cell.flow(local_date(r.detected_at)):
            return False
        return UNKNOWN if intrusion is None else seconds(r.intruded_at, r.detected_at)
    return mean(cell, "incidents", identification, 86400)


def kpi_23_containment_hours_mean(cell):
    return mean(cell, "incidents", lambda r: cell.flow(local_date(r.contained_at)) and seconds(r.detected_at, r.contained_at), 3600)


def kpi_23_effort_person_hours_mean(cell):
    return mean(cell, "incidents", lambda r: cell.flow(local_date(r.completed_at))
                and (UNKNOWN if r.effort_hours is None else r.effort_hours))


def urgent_by(r, day, threshold=9):
    """Urgent by a day: scored at least the threshold, or listed as exploited by then. None = not known."""
    score = r.environmental if r.environmental is not None else r.base
    since = least(r.published_on if score is not None and score >= threshold else None, r.listed_on)
    if since is None:
        return None if score is None else score >= threshold
    return day is not None and since <= day


def vulnerability_mean(cell, day_of, value, per):
    def measure(r):
        urgent = urgent_by(r, day_of(r))
        if urgent is False or not cell.flow(day_of(r)):
            return False
        return UNKNOWN if urgent is None else value(r)
    return mean(cell, "vulnerabilities", measure, per)


def kpi_24(cell):
    return vulnerability_mean(cell, lambda r: r.started_on, lambda r: seconds(r.published_on, r.started_on), 86400)


def kpi_25_completion_days_mean(cell):
    return vulnerability_mean(cell, lambda r: r.completed_on, lambda r: seconds(r.started_on, r.completed_on), 86400)


def kpi_25_effort_person_hours_mean(cell):
    return vulnerability_mean(cell, lambda r: r.completed_on, lambda r: UNKNOWN if r.effort_hours is None else r.effort_hours, 1)


def kpi_26(cell):
    return ratio(cell, "sharing_activities", lambda r: cell.stock(r.established_on, least(r.lapsed_on, r.ceased_on)),
                 lambda r: cell.stock(r.planned_on, r.ceased_on))


def kpi_27(cell):
    return count(cell, "meetings", lambda r: r.kind == "executive_briefing" and cell.flow(r.held_on))


def kpi_28(cell):
    return count(cell, "meetings", lambda r: r.kind in ("board", "management") and r.attended_by in ("ciso", "deputy")
                 and cell.flow(r.held_on))


def systems_done(cell, control):
    def when(r, begins, ends):
        if r.control != control or r.is_in_scope is False or not cell.stock(begins, ends):
            return False
        return True if r.is_in_scope else UNKNOWN
    return ratio(cell, "system_controls", lambda r: when(r, r.done_on, least(r.lapsed_on, r.retired_on)),
                 lambda r: when(r, r.effective_on, r.retired_on))


def kpi_29(cell):
    return systems_done(cell, "privileged_accounts")


def kpi_30(cell):
    return systems_done(cell, "hardening")


def kpi_31(cell):
    return systems_done(cell, "bcp")


def in_audience(r, kind):
    """Employees, in the house and not on leave on the reference date (the parameters' defaults). None = not known."""
    if r.kind != kind:
        return False
    joined = r.joined_on is None or r.joined_on <= r.audience_on
    on_leave = r.leave_from_on is not None and r.leave_from_on <= r.audience_on and (r.returned_on is None or r.returned_on > r.audience_on)
    if not joined or on_leave or r.employment_kind not in (None, "employee"):
        return False
    return True if r.employment_kind == "employee" else None


def training_share(cell, kind, done):
    """32 and 33: of the courses whose deadline has come this fiscal year."""
    def when(r, begins):
        inside = in_audience(r, kind)
        until = least(r.left_on, r.exempted_on, after_fiscal_year(r.deadline_on, r))
        if inside is False or not cell.stock(begins, until):
            return False
        return UNKNOWN if inside is None else True

    def did(r):
        if r.deadline_on is None or done(r) is None:
            return False
        return when(r, greatest(r.deadline_on, done(r)))
    return ratio(cell, "trainings", did, lambda r: when(r, r.deadline_on))


def kpi_32(cell):
    return training_share(cell, "self_check", lambda r: r.tested_on)


def kpi_33(cell):
    return training_share(cell, "course", lambda r: r.attended_on)


def kpi_34(cell):
    def when(r, begins):
        inside = in_audience(r, "course")
        if inside is False or r.has_test is False or r.attended_on is None or not cell.stock(begins, after_fiscal_year(r.attended_on, r)):
            return False
        return UNKNOWN if inside is None or r.has_test is None else True

    def passed(r):
        return False if r.passed_on is None else when(r, greatest(r.attended_on, r.passed_on))
    return ratio(cell, "trainings", passed, lambda r: when(r, r.attended_on))


def kpi_35(cell):
    return count(cell, "phishing_drills", lambda r: cell.flow(r.held_on))


def kpi_36(cell):
    def delivered(r):
        if r.round == "first" or r.delivered is False or not cell.flow(r.drill_on):
            return False
        return UNKNOWN if r.round is None or r.delivered is None else True
    return ratio(cell, "phishing_results", lambda r: r.opened_at is not None and delivered(r), delivered)


def kpi_37(cell):
    def opened(r):
        limit = days_after(r.drill_on, 30)
        if r.opened_at is None or r.delivered is False or local_date(r.opened_at) > limit or not cell.flow(limit):
            return False
        if r.exempted_on is not None and r.exempted_on <= limit:
            return False
        return UNKNOWN if r.delivered is None else True

    def retrained(r):
        return r.retrained_on is not None and r.retrained_on <= days_after(r.drill_on, 30) and opened(r)
    return ratio(cell, "phishing_results", retrained, opened)


def kpi_38(cell):
    def until(r):
        return least(r.ceased_on, after_fiscal_year(r.fiscal_year_start_on, r))
    return ratio(cell, "supplier_audits",
                 lambda r: r.audited_on is not None and cell.stock(greatest(r.fiscal_year_start_on, r.scoped_on, r.audited_on), until(r)),
                 lambda r: cell.stock(greatest(r.fiscal_year_start_on, r.scoped_on), until(r)))


def kpi_39(cell):
    return findings_closed(cell, "supplier_audit")


def kpi_40(cell):
    return count(cell, "partner_assessments", lambda r: cell.flow(r.assessed_on))


def milestones_done(cell, project, stage=None):
    def when(r, begins):
        if r.project not in (None, project) or (stage and r.stage not in (None, stage)) or not cell.stock(begins, r.ceased_on):
            return False
        return UNKNOWN if r.project is None or (stage and r.stage is None) else True
    return ratio(cell, "milestones", lambda r: when(r, r.done_on), lambda r: when(r, r.planned_on))


def kpi_41(cell):
    return milestones_done(cell, "incident_procedure", "approval")


def kpi_42(cell):
    return milestones_done(cell, "incident_procedure", "rollout")


def kpi_43(cell):
    return milestones_done(cell, "disclosure_criteria", "approval")


def kpi_44(cell):
    return milestones_done(cell, "disclosure_criteria", "rollout")


def kpi_45(cell):
    return milestones_done(cell, "security_system")


def kpi_46(cell):
    def of_year(r):
        return after_fiscal_year(greatest(r.planned_on, r.held_on), r)
    return ratio(cell, "project_reviews", lambda r: cell.stock(r.held_on, of_year(r)),
                 lambda r: cell.stock(r.planned_on, r.cancelled_on if r.held_on is None else of_year(r)))


def kpi_47(cell):
    return milestones_done(cell, "new_regulation")


# The first indicators: those that are not companions.
INDICATORS = [
    (1, "inventory_ratio", kpi_1), (2, "inventory_ratio", kpi_2), (3, "inventory_ratio", kpi_3), (4, "inventory_ratio", kpi_4),
    (5, "compliance_ratio", kpi_5), (6, "done_to_plan_ratio", kpi_6), (7, "closed_ratio", kpi_7),
    (8, "security_to_it_ratio", kpi_8_security_to_it_ratio), (8, "security_to_all_ratio", kpi_8_security_to_all_ratio),
    (9, "holders_count", kpi_9), (10, "security_budget_ratio", kpi_10), (11, "consumption_ratio", kpi_11), (12, "held_count", kpi_12),
    (13, "pass_ratio", kpi_13), (14, "primary_score_latest", kpi_14), (15, "score_latest", kpi_15),
    (16, "assessed_entities_ratio", kpi_16_assessed_entities_ratio), (16, "score_lowest", kpi_16_score_lowest),
    (16, "score_median", kpi_16_score_median), (17, "compliance_ratio", kpi_17), (18, "live_to_plan_ratio", kpi_18),
    (19, "held_to_plan_ratio", kpi_19), (20, "held_to_plan_ratio", kpi_20), (21, "held_to_plan_ratio", kpi_21),
    (22, "identification_days_mean", kpi_22), (23, "containment_hours_mean", kpi_23_containment_hours_mean),
    (23, "effort_person_hours_mean", kpi_23_effort_person_hours_mean), (24, "start_days_mean", kpi_24),
    (25, "completion_days_mean", kpi_25_completion_days_mean), (25, "effort_person_hours_mean", kpi_25_effort_person_hours_mean),
    (26, "established_to_plan_ratio", kpi_26), (27, "held_count", kpi_27), (28, "attended_count", kpi_28),
    (29, "managed_systems_ratio", kpi_29), (30, "hardened_systems_ratio", kpi_30), (31, "planned_systems_ratio", kpi_31),
    (32, "sat_ratio", kpi_32), (33, "attended_ratio", kpi_33), (34, "pass_ratio", kpi_34), (35, "held_count", kpi_35),
    (36, "retest_open_ratio", kpi_36), (37, "retrained_ratio", kpi_37), (38, "audited_ratio", kpi_38), (39, "closed_ratio", kpi_39),
    (40, "held_count", kpi_40), (41, "done_to_plan_ratio", kpi_41), (42, "done_to_plan_ratio", kpi_42), (43, "done_to_plan_ratio", kpi_43),
    (44, "done_to_plan_ratio", kpi_44), (45, "done_to_plan_ratio", kpi_45), (46, "held_to_plan_ratio", kpi_46),
    (47, "done_to_plan_ratio", kpi_47),
]


def left_out(evidence, no, unit):
    """Why a cell cannot be told from the files that are in the folder now; None = it can."""
    if evidence.delivered:
        return None
    if no in (1, 2, 3, 4):
        return OVERWRITTEN["assets"]
    if no in (32, 33, 34):
        return OVERWRITTEN["trainings"]
    if no in (22, 23) and unit == "HD":
        return OVERWRITTEN["incidents"]
    if no in (36, 37):
        return OVERWRITTEN["phishing"]
    if no in (41, 42, 43, 44, 45, 47):
        return OVERWRITTEN["milestones"]
    return None


def figures(workspace, units, months, deliveries=None):
    """(no, indicator, unit, month) -> Figure, or a text: why it is left out."""
    assert read_calendars(workspace) == FIRST_MONTH
    evidence = Evidence(workspace, deliveries)
    out = {}
    for month in months:
        tree = Tree(workspace, last_day(month))
        for no, indicator, kpi in INDICATORS:
            for unit in units:
                cell = Cell(evidence, tree, unit, month, no, indicator)
                why = left_out(evidence, no, unit)
                out[no, indicator, unit, month] = why or kpi(cell)._replace(coverage=cell.coverage())
    return out, evidence


def main():
    parser = argparse.ArgumentParser(description="the KPIs' first indicators, from the evidence files alone")
    parser.add_argument("workspace")
    parser.add_argument("--deliveries")
    parser.add_argument("--org", default="HD,JP1,US1,DE1")
    parser.add_argument("--period", default="2026-03,2026-06,2026-09")
    args = parser.parse_args()
    table, evidence = figures(args.workspace, args.org.split(","), args.period.split(","), args.deliveries)
    for (no, indicator, unit, month), figure in table.items():
        shown = figure if isinstance(figure, str) else "  ".join("-" if x is None else str(x) for x in figure[:3])
        print(f"{no:>2} {indicator:<28} {unit:<4} {month}  {shown}")
    print(f"rejected rows: {len(evidence.rejected)}")


if __name__ == "__main__":
    main()
