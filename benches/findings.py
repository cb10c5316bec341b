"""Made-up findings of a scanner, for what is measured with evidence."""
import datetime

COLUMNS = (
    "vulnerability_id,org_unit,cve_id,title,product,asset_id,cvss_base_score,published_on,detected_on,started_on,completed_on"
).split(",")
DAYS = [str(datetime.date(2023, 1, 1) + datetime.timedelta(days=number)) for number in range(1_000)]


def record(number):
    """One made-up finding; a hundredth of them differ in the export after."""
    day = number * 7 % 900
    return (
        f"V-{number:09}",
        f"U{number % 300:03}",
        f"CVE-{2015 + number % 11}-{1000 + number * 7 % 30000}",
        f"Finding {number % 5000} of the component {number % 977} that a scanner listed",
        f"product-{number % 700}",
        f"A-{number * 13 % 1_000_000:07}",
        f"{number % 100 / 10:.1f}",
        DAYS[day],
        DAYS[day + 5],
        DAYS[day + 9],
        "" if number % 3 else DAYS[day + 40],
    )
