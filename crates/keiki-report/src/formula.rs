//! A figure's formula with its numbers filled in.

use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Formula, Indicator, Kpi, Unit};
use keiki_model::measurement::{Basis, Measurement};
use keiki_model::text::{Language, Text};

use crate::format;
use crate::scorecard::WITHHELD;

/// Writes how the figure comes about, such as `inventoried 1,203 ÷ in scope 1,270 = 94.7 %`.
#[must_use]
pub fn filled_in(
    kpi: &Kpi,
    indicator: &Indicator,
    measurement: &Measurement,
    language: Language,
) -> String {
    let value = format::optional_figure(measurement.value, measurement.unit, language);
    if measurement.is_withheld() {
        return format!("{} = {WITHHELD}", indicator.title.get(language));
    }
    if measurement.basis == Basis::Reference {
        return Text::new(
            format!("参考値として報告された {value}"),
            format!("{value}, reported as a reference value"),
        )
        .get(language)
        .to_owned();
    }
    let words = Words {
        kpi,
        measurement,
        language,
    };
    let body = match &indicator.formula {
        Formula::Ratio {
            numerator,
            denominator,
        } => words.ratio(numerator, denominator),
        Formula::Mean(measure) => words.mean(measure),
        Formula::Entities(measure) => words.entities(measure),
        other => words.of_one(other),
    };
    let mut lines = vec![format!("{body} = {value}")];
    lines.extend(measurement.statistics.groups.iter().map(|group| {
        let value = format::figure(group.value, measurement.unit, language);
        format!("  {}: {value} (n = {})", group.name, format::count(group.n))
    }));
    lines.join("\n")
}

struct Words<'w> {
    kpi: &'w Kpi,
    measurement: &'w Measurement,
    language: Language,
}

impl Words<'_> {
    fn title(&self, measure: &str) -> String {
        let found = self.kpi.measure(measure);
        found.map_or_else(
            || measure.to_owned(),
            |measure| measure.title.get(self.language).to_owned(),
        )
    }

    fn ratio(&self, over: &str, under: &str) -> String {
        let (numerator, denominator) = (self.measurement.numerator, self.measurement.denominator);
        let unit = self.measurement.unit;
        format!(
            "{} {} ÷ {} {}",
            self.title(over),
            part(numerator, unit),
            self.title(under),
            part(denominator, unit)
        )
    }

    fn mean(&self, measure: &str) -> String {
        let sum = format::optional_sum(
            self.measurement.numerator,
            self.measurement.unit,
            self.language,
        );
        let count = part(self.measurement.denominator, Unit::Count);
        let title = self.title(measure);
        let text = Text::new(
            format!("「{title}」の合計 {sum} ÷ 件数 {count}"),
            format!("{title}, in all {sum} ÷ number {count}"),
        );
        text.get(self.language).to_owned()
    }

    fn entities(&self, measure: &str) -> String {
        let (some, all) = (self.measurement.numerator, self.measurement.denominator);
        let (some, all) = (part(some, Unit::Count), part(all, Unit::Count));
        let title = self.title(measure);
        let text = Text::new(
            format!("「{title}」が1以上の会社 {some} ÷ 対象の会社 {all}"),
            format!("entities with any of {title} {some} ÷ entities {all}"),
        );
        text.get(self.language).to_owned()
    }

    fn of_one(&self, formula: &Formula) -> String {
        let measure = formula
            .measures()
            .first()
            .map(|measure| self.title(measure))
            .unwrap_or_default();
        let n = self
            .measurement
            .n
            .map_or_else(String::new, |n| format!(" (n = {})", format::count(n)));
        let text = match formula {
            Formula::Quantile { .. } if formula.kind() == "median" => Text::new(
                format!("「{measure}」の中央値{n}"),
                format!("median of {measure}{n}"),
            ),
            Formula::Quantile { at, .. } => {
                let share = format::figure(*at, Unit::Ratio, self.language);
                Text::new(
                    format!("「{measure}」の{share}点{n}"),
                    format!("{share} quantile of {measure}{n}"),
                )
            }
            Formula::ShareWithin { .. } => Text::new(
                format!("「{measure}」が期限内の割合{n}"),
                format!("share of {measure} within the limit{n}"),
            ),
            Formula::SurvivalMedian(_) => Text::new(
                format!("「{measure}」の過去12か月の生存時間中央値{n}"),
                format!("survival median of {measure} over twelve months{n}"),
            ),
            Formula::Lowest(_) => Text::new(
                format!("「{measure}」の最小{n}"),
                format!("lowest of {measure}{n}"),
            ),
            Formula::Highest(_) => Text::new(
                format!("「{measure}」の最大{n}"),
                format!("highest of {measure}{n}"),
            ),
            Formula::Latest(_) => Text::new(
                format!("「{measure}」の最新{n}"),
                format!("latest of {measure}{n}"),
            ),
            Formula::DaysLate(_) => Text::new(
                format!("「{measure}」の最も古い日からの日数{n}"),
                format!("days since the oldest of {measure}{n}"),
            ),
            _ => Text::new(
                format!("「{measure}」の合計{n}"),
                format!("sum of {measure}{n}"),
            ),
        };
        text.get(self.language).to_owned()
    }
}

fn part(value: Option<Fraction>, unit: Unit) -> String {
    value.map_or_else(
        || format::NOTHING.to_owned(),
        |value| format::part(value, unit),
    )
}
