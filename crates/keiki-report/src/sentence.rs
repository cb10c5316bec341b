//! The sentence that explains a status: why it is this one, and what would change it.

mod obstacle;

use keiki_model::calendar::date_of;
use keiki_model::fraction::Fraction;
use keiki_model::measurement::{Basis, Measurement, OwnPeriod};
use keiki_model::status::Status;
use keiki_model::text::{Language, Text};

use crate::format;

pub use obstacle::{obstacle, obstacles_in_brief};

/// How many org units are named before the rest is counted.
const NAMED: usize = 5;

/// Explains the status of a measurement in both languages.
#[must_use]
pub fn status(measurement: &Measurement) -> Text {
    status_with(measurement, &|id, _| id.to_owned())
}

/// The same, with what a reader calls each org unit; `name` takes an id and a language.
#[must_use]
pub fn status_with(measurement: &Measurement, name: &dyn Fn(&str, Language) -> String) -> Text {
    let said = judged(measurement, name);
    if !measurement.is_held() {
        return said;
    }
    let held = held();
    Text::new(
        format!("{}{}", said.ja, held.ja),
        format!("{} {}", said.en, held.en),
    )
}

fn judged(measurement: &Measurement, name: &dyn Fn(&str, Language) -> String) -> Text {
    if measurement.is_withheld() {
        return withheld();
    }
    let words = |language| Words {
        measurement,
        language,
        name,
    };
    let (ja, en) = (words(Language::Ja), words(Language::En));
    match measurement.status {
        Status::Met => Text::new(
            format!(
                "{}で、目標({})を満たしています。目標を外れるか、計画済みの項目が未了になると未達に変わります。",
                ja.value(),
                ja.target()
            ),
            format!(
                "{} meets the target ({}). It changes when the value leaves the target or a planned item stays undone.",
                en.value(),
                en.target()
            ),
        ),
        Status::Near => Text::new(
            format!(
                "{}は目標({})に届きませんが、その差は許容幅{}以内です。目標に達すれば達成に変わります。",
                ja.value(),
                ja.target(),
                ja.margin()
            ),
            format!(
                "{} misses the target ({}) by no more than the margin of {}. It becomes met when it reaches the target.",
                en.value(),
                en.target(),
                en.margin()
            ),
        ),
        Status::Missed => missed(&ja, &en),
        Status::OnPace => on_pace(&ja, &en),
        Status::Behind => Text::new(
            format!(
                "目標({})の期限は{}です。{}は、現時点で求められる水準{}を下回っています。この水準に追いつけば計画どおりに変わります。",
                ja.target(),
                ja.due(),
                ja.value(),
                ja.pace()
            ),
            format!(
                "The target ({}) is due on {}. {} is below the pace asked for by now, {}. It is on pace again when it catches up.",
                en.target(),
                en.due(),
                en.value(),
                en.pace()
            ),
        ),
        Status::NotDue if measurement.coverage.covered == 0 => Text::new(
            "設定された収集頻度では、この対象期間に証跡を求めません。次に証跡を求める期間の末に判定されます。",
            "By the cadence that is set no evidence is asked for in this period. It is judged at the end of the next period in which some is.",
        ),
        Status::NotDue => Text::new(
            "この時点までに計画された項目がありません。最初の計画日を迎えると判定されます。",
            "Nothing is planned by then. It is judged from the day of the first planned item on.",
        ),
        Status::NoneOccurred => Text::new(
            "報告はありますが、対象期間に該当する事案がありません。該当があれば値が出ます。",
            "Evidence was sent, and nothing of the kind happened in the period. There will be a value as soon as something does.",
        ),
        Status::NotApplicable => not_applicable(measurement),
        Status::NoTarget => Text::new(
            "目標が設定されていません。programme.tomlで目標を定めると判定されます。",
            "No target is set. It is judged once the programme sets one.",
        ),
        Status::NoData => no_data(&ja, &en),
        Status::Provisional => provisional(&ja, &en),
        Status::TooFew => Text::new(
            format!(
                "件数({}件)が少なく、判定に足りません。{}",
                ja.n(),
                ja.at_least_n()
            ),
            format!(
                "There are too few records to judge ({}).{}",
                en.n(),
                en.at_least_n()
            ),
        ),
        Status::Waived => waived(&ja, &en),
    }
}

/// Says how far a sample's ratio may be from that of all; `None` where the figure is no sample.
#[must_use]
pub fn interval(measurement: &Measurement) -> Option<Text> {
    let (low, high) = measurement.statistics.interval?;
    let n = measurement.n.map(format::count)?;
    let end = |value, language| format::approximate(value, measurement.unit, language);
    let of = |language| (end(low, language), end(high, language));
    let ((low_ja, high_ja), (low_en, high_en)) = (of(Language::Ja), of(Language::En));
    Some(Text::new(
        format!("標本{n}件による値で、95%区間は{low_ja}〜{high_ja}です。"),
        format!("From a sample of {n}; its 95 % interval is {low_en} to {high_en}."),
    ))
}

/// Says of which months figures are in entities whose fiscal year is not the group's; each entity and period once.
#[must_use]
pub fn own_periods<'m>(measurements: impl IntoIterator<Item = &'m Measurement>) -> Vec<Text> {
    let mut said: Vec<(&str, &OwnPeriod)> = Vec::new();
    for measurement in measurements {
        for own in &measurement.own_periods {
            if !said.contains(&(&*measurement.period, own)) {
                said.push((&*measurement.period, own));
            }
        }
    }
    said.into_iter().map(own_period).collect()
}

fn own_period((period, own): (&str, &OwnPeriod)) -> Text {
    let OwnPeriod {
        org_unit,
        last,
        lag_months,
        ..
    } = own;
    let Some(first) = &own.first else {
        return Text::new(
            format!(
                "{org_unit}は会計年度が異なり、{period}に対応する月がありません(残高は{last}末時点)。"
            ),
            format!(
                "{org_unit} has a fiscal year of its own, in which no month stands for {period}; stocks are those of the end of {last}."
            ),
        );
    };
    Text::new(
        format!(
            "{org_unit}は会計年度が異なるため、{period}には同社の{first}〜{last}を含めています({lag_months}か月のずれ)。"
        ),
        format!(
            "{org_unit} has a fiscal year of its own: its part of {period} is {first} to {last}, {lag_months} months before the group's."
        ),
    )
}

/// A measurement, worded in one language.
struct Words<'m> {
    measurement: &'m Measurement,
    language: Language,
    name: &'m dyn Fn(&str, Language) -> String,
}

impl Words<'_> {
    fn figure(&self, value: Option<Fraction>) -> String {
        format::optional_figure(value, self.measurement.unit, self.language)
    }

    fn value(&self) -> String {
        self.figure(self.measurement.value)
    }

    fn target(&self) -> String {
        let target = self.measurement.target;
        target.map_or_else(
            || format::NOTHING.to_owned(),
            |target| format::target(target, self.measurement.unit, self.language),
        )
    }

    fn margin(&self) -> String {
        self.figure(self.measurement.grounds.near_margin)
    }

    fn pace(&self) -> String {
        self.figure(self.measurement.grounds.pace)
    }

    fn due(&self) -> String {
        let due_on = self.measurement.grounds.due_on;
        due_on.map_or_else(
            || format::NOTHING.to_owned(),
            |day| format::day(&date_of(day).to_string(), self.language),
        )
    }

    fn n(&self) -> String {
        self.measurement
            .n
            .map_or_else(|| "0".to_owned(), format::count)
    }

    fn at_least_n(&self) -> String {
        let least = self.measurement.grounds.minimum_n;
        if least == 0 {
            return String::new();
        }
        let least = format::count(least);
        Text::new(
            format!("{least}件以上で判定されます。"),
            format!(" It is judged from {least} on."),
        )
        .get(self.language)
        .to_owned()
    }

    /// Items that are not done and whose own deadline is still to come.
    fn pending(&self) -> Option<i128> {
        self.measurement.statistics.pending
    }

    fn reaches_target(&self) -> bool {
        let Some((value, target)) = self.measurement.value.zip(self.measurement.target) else {
            return true;
        };
        target.at_least.is_none_or(|bound| value >= bound)
            && target.at_most.is_none_or(|bound| value <= bound)
    }

    fn missing(&self) -> String {
        let ids = &self.measurement.grounds.missing;
        let named = ids.iter().take(NAMED);
        let shown: Vec<_> = named.map(|id| (self.name)(id, self.language)).collect();
        let rest = ids.len().saturating_sub(NAMED);
        let separator = Text::new("、", ", ");
        let mut text = shown.join(separator.get(self.language));
        if rest > 0 {
            let more = Text::new(format!("ほか{rest}組織"), format!(" and {rest} more"));
            text.push_str(more.get(self.language));
        }
        text
    }

    fn coverage(&self) -> String {
        let coverage = self.measurement.coverage;
        format!("{}/{}", coverage.covered, coverage.expected)
    }
}

fn on_pace(ja: &Words<'_>, en: &Words<'_>) -> Text {
    if ja.pending().is_some() {
        return before_deadlines(ja, en);
    }
    Text::new(
        format!(
            "目標({})の期限は{}です。{}は、現時点で求められる水準{}を満たしています。",
            ja.target(),
            ja.due(),
            ja.value(),
            ja.pace()
        ),
        format!(
            "The target ({}) is due on {}. {} keeps the pace asked for by now, {}.",
            en.target(),
            en.due(),
            en.value(),
            en.pace()
        ),
    )
}

fn before_deadlines(ja: &Words<'_>, en: &Words<'_>) -> Text {
    let count = ja.pending().map(format::count).unwrap_or_default();
    let are = if ja.pending() == Some(1) {
        "item is open whose deadline is"
    } else {
        "items are open whose deadlines are"
    };
    Text::new(
        format!(
            "{}で目標({})に届いていませんが、期限前の未完了が{count}件あり、期限までに完了すれば目標を満たします。完了しないまま期限を過ぎると未達に変わります。",
            ja.value(),
            ja.target()
        ),
        format!(
            "{} is not yet the target ({}), but {count} {are} still to come: done by then, the target is met. It is missed once one of them is overdue.",
            en.value(),
            en.target()
        ),
    )
}

fn missed(ja: &Words<'_>, en: &Words<'_>) -> Text {
    let unmet = ja.measurement.statistics.unmet.filter(|unmet| *unmet > 0);
    match unmet.map(format::count) {
        Some(count) if ja.pending().is_some() => Text::new(
            format!(
                "期限を過ぎて未完了の項目が{count}件あります(値は{}、目標は{})。すべて完了するまで、値にかかわらず未達です。",
                ja.value(),
                ja.target()
            ),
            format!(
                "{count} {} (value {}, target {}). Whatever the value, it stays missed until none is.",
                if unmet == Some(1) {
                    "item is open past its deadline"
                } else {
                    "items are open past their deadlines"
                },
                en.value(),
                en.target()
            ),
        ),
        Some(count) => Text::new(
            format!(
                "計画日を迎えて未了の項目が{count}件あります(値は{}、目標は{})。すべて完了するまで、値にかかわらず未達です。",
                ja.value(),
                ja.target()
            ),
            format!(
                "{count} {} undone (value {}, target {}). Whatever the value, it stays missed until none is.",
                if unmet == Some(1) {
                    "item planned by then is"
                } else {
                    "items planned by then are"
                },
                en.value(),
                en.target()
            ),
        ),
        None => Text::new(
            format!(
                "{}は目標({})に届いていません。目標に達すれば達成に変わります。",
                ja.value(),
                ja.target()
            ),
            format!(
                "{} misses the target ({}). It becomes met when it reaches the target.",
                en.value(),
                en.target()
            ),
        ),
    }
}

fn no_data(ja: &Words<'_>, en: &Words<'_>) -> Text {
    if ja.measurement.coverage.covered > 0 {
        return Text::new(
            "記録はありますが、値の算出に要る項目がすべて不明です。日付や数量が判明すれば値が出ます。",
            "There are records, but what the value needs is unknown in all of them. There will be a value once dates and amounts are known.",
        );
    }
    Text::new(
        format!(
            "提出すべき証跡がまだ届いていません({})。取り込まれると値が出ます。",
            ja.missing()
        ),
        format!(
            "Evidence is owed and has not come in ({}). There will be a value once it is taken in.",
            en.missing()
        ),
    )
}

fn provisional(ja: &Words<'_>, en: &Words<'_>) -> Text {
    if ja.measurement.grounds.missing.is_empty() {
        if !ja.reaches_target() {
            return Text::new(
                format!(
                    "値({})は目標({})に届いていませんが、未完了のうち期限前のものが何件か報告されていないため、未達とは判定しません。",
                    ja.value(),
                    ja.target()
                ),
                format!(
                    "The value ({}) is not the target ({}), but it was not said how many of the open items are still before their deadline, so that it is not called missed.",
                    en.value(),
                    en.target()
                ),
            );
        }
        let basis = ja.measurement.basis == Basis::Reported;
        let (why_ja, why_en) = if basis {
            (
                "集計値で報告された組織の未了件数が報告されていない",
                "units that sent totals have not said how many items are undone",
            )
        } else {
            ("報告がそろっていない", "not everything is reported")
        };
        return Text::new(
            format!(
                "値({})は目標を満たしますが、{why_ja}ため、達成とは判定しません。",
                ja.value()
            ),
            format!(
                "The value ({}) would meet the target, but {why_en}, so that it is not called met.",
                en.value()
            ),
        );
    }
    Text::new(
        format!(
            "報告済みは{}組織で、{}の報告がまだです。そろうまでは暫定値({})とし、達成の判定をしません。",
            ja.coverage(),
            ja.missing(),
            ja.value()
        ),
        format!(
            "{} org units have reported; {} {}, the value ({}) is provisional and not judged.",
            en.coverage(),
            en.missing(),
            if en.measurement.grounds.missing.len() == 1 {
                "has not. Until it has"
            } else {
                "have not. Until they have"
            },
            en.value()
        ),
    )
}

fn held() -> Text {
    Text::new(
        "報告後に判明した訂正が少人数に関わるため、報告時の値を据え置いています。",
        "It stays as it was reported: what became known since is of few people.",
    )
}

fn withheld() -> Text {
    Text::new(
        "少人数を対象とする数値か、他の数値との差から少人数の数値が分かるため、秘匿しています。",
        "It speaks of few people, or figures of few people would follow from it by subtraction, and is withheld.",
    )
}

/// Why a KPI does not concern an org unit: who has said so, or its kind.
fn not_applicable(measurement: &Measurement) -> Text {
    let Some(exemption) = &measurement.grounds.exemption else {
        return Text::new(
            "組織の種別により、この組織は対象外です。対象となる種別の組織に証跡が届けば、その組織の値が出ます。",
            "It does not concern org units of this kind. Those that it concerns have figures.",
        );
    };
    let by = exemption.approved_by.as_deref().unwrap_or(format::NOTHING);
    let until = exemption.until.map(|day| date_of(day - 1).to_string());
    let (until_ja, until_en) = until.map_or_else(Default::default, |day| {
        (
            format!("、{}まで", format::day(&day, Language::Ja)),
            format!(", until {day}"),
        )
    });
    Text::new(
        format!(
            "この組織は適用除外です(理由: {}。承認者: {by}{until_ja})。適用範囲を変えると対象になります。",
            exemption.reason.ja
        ),
        format!(
            "It does not concern this org unit: {} (approved by {by}{until_en}). It will when the applicability changes.",
            exemption.reason.en
        ),
    )
}

fn waived(ja: &Words<'_>, en: &Words<'_>) -> Text {
    let Some(waiver) = &ja.measurement.grounds.waiver else {
        return Text::default();
    };
    let until = waiver.until.map_or_else(
        || format::NOTHING.to_owned(),
        |day| date_of(day - 1).to_string(),
    );
    let until_ja = format::day(&until, Language::Ja);
    let by = waiver.approved_by.clone().unwrap_or_default();
    Text::new(
        format!(
            "目標({})に対し{}ですが、{by}が例外を承認しています({until_ja}まで。理由: {})。期限を過ぎると本来の判定に戻ります。",
            ja.target(),
            ja.value(),
            waiver.reason.ja
        ),
        format!(
            "{} against the target {}; {by} has approved the exception until {until} ({}). After that day the status is what it would be without it.",
            en.value(),
            en.target(),
            waiver.reason.en
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use keiki_model::kpi::{Target, Unit};
    use keiki_model::measurement::{Coverage, Exception, Grounds, Scope};

    fn measurement(status: Status) -> Measurement {
        let decimal = |text: &str| Fraction::parse_decimal(text);
        Measurement {
            no: 1,
            code: "1.1.1".into(),
            indicator: "inventory_ratio".into(),
            is_companion: false,
            org_unit: "HD".into(),
            hierarchy: None,
            scope: Scope::Consolidated,
            tree_on: None,
            period: "2026-09".into(),
            cut_on: "2026-09-30".into(),
            own_periods: Vec::new(),
            known_at: "2026-10-09T00:00:00Z".into(),
            value: decimal("0.87"),
            unit: Unit::Ratio,
            numerator: None,
            denominator: None,
            n: Some(12),
            target: Some(Target {
                at_least: decimal("0.95"),
                at_most: None,
            }),
            status,
            coverage: Coverage {
                covered: 4,
                expected: 6,
                headcount: None,
            },
            basis: Basis::Rows,
            definition_version: "".into(),
            journal_version: 1,
            statistics: std::sync::Arc::default(),
            grounds: std::sync::Arc::new(Grounds {
                near_margin: decimal("0.02"),
                due_on: Some(20_909),
                pace: decimal("0.475"),
                minimum_n: 30,
                missing: vec!["JP3".into(), "US1".into()],
                waiver: Some(Exception {
                    reason: Text::new("更改待ち", "to be replaced"),
                    approved_by: Some("CISO".into()),
                    until: Some(20_909),
                }),
                ..Grounds::default()
            }),
        }
    }

    #[test]
    fn every_status_has_a_sentence_in_both_languages() {
        for status in Status::all() {
            let sentence = super::status(&measurement(status));
            assert!(sentence.ja.ends_with('。'), "{status:?}: {}", sentence.ja);
            assert!(sentence.en.ends_with('.'), "{status:?}: {}", sentence.en);
        }
    }

    #[test]
    fn what_does_not_concern_a_unit_says_who_has_decided_it_and_why() {
        let mut one = measurement(Status::NotApplicable);
        let by_kind = super::status(&one);
        assert!(by_kind.en.contains("of this kind"), "{by_kind:?}");
        std::sync::Arc::make_mut(&mut one.grounds).exemption = Some(Exception {
            reason: Text::new("開発を行わない", "develops no systems"),
            approved_by: Some("CISO".into()),
            until: None,
        });
        let exempted = super::status(&one);
        assert!(
            exempted
                .en
                .contains("develops no systems (approved by CISO)")
                && exempted.ja.contains("理由: 開発を行わない。承認者: CISO"),
            "{exempted:?}"
        );
    }

    #[test]
    fn an_entity_that_lags_is_named_once_for_each_period() {
        let mut one = measurement(Status::Met);
        one.period = "FY2026-Q2".into();
        one.own_periods = vec![OwnPeriod {
            org_unit: "US1".into(),
            first: Some("2026-04".into()),
            last: "2026-06".into(),
            lag_months: 3,
        }];
        let said = own_periods([&one, &one.clone()]);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0]
                .en
                .contains("its part of FY2026-Q2 is 2026-04 to 2026-06, 3 months before")
                && said[0].ja.contains("同社の2026-04〜2026-06"),
            "{said:?}"
        );
    }

    #[test]
    fn what_is_open_before_its_deadline_is_counted() {
        let mut open = measurement(Status::OnPace);
        std::sync::Arc::make_mut(&mut open.statistics).pending = Some(2);
        let sentence = super::status(&open);
        assert!(
            sentence.en.contains("2 items are open") && sentence.ja.contains("期限前の未完了が2件"),
            "{sentence:?}"
        );
        let mut late = measurement(Status::Missed);
        let statistics = std::sync::Arc::make_mut(&mut late.statistics);
        (statistics.pending, statistics.unmet) = (Some(2), Some(1));
        let sentence = super::status(&late);
        assert!(
            sentence.en.starts_with("1 item is open past its deadline"),
            "{sentence:?}"
        );
        let mut unsaid = measurement(Status::Provisional);
        std::sync::Arc::make_mut(&mut unsaid.grounds)
            .missing
            .clear();
        let sentence = super::status(&unsaid);
        assert!(
            sentence.en.contains("not called missed")
                && sentence.ja.contains("未達とは判定しません"),
            "{sentence:?}"
        );
    }

    #[test]
    fn what_is_missing_and_undone_is_named() {
        let sentence = super::status(&measurement(Status::Provisional));
        assert!(
            sentence
                .en
                .contains("4/6 org units have reported; JP3, US1 have not"),
            "{}",
            sentence.en
        );
        let called = |id: &str, _| format!("Company {id}");
        let sentence = super::status_with(&measurement(Status::Provisional), &called);
        assert!(
            sentence.en.contains("; Company JP3, Company US1 have not"),
            "{}",
            sentence.en
        );
        let mut late = measurement(Status::Missed);
        std::sync::Arc::make_mut(&mut late.statistics).unmet = Some(3);
        assert!(
            super::status(&late)
                .en
                .starts_with("3 items planned by then are undone")
        );
        let waived = super::status(&measurement(Status::Waived));
        assert!(
            waived.ja.contains("CISOが例外を承認") && waived.ja.contains("2027年3月31日"),
            "{}",
            waived.ja
        );
    }
}
