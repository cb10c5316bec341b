//! Holds what stands around KPIs against what it names: counter-indicators, published figures, items of frameworks.

use super::Catalogue;
use crate::document::Located;
use crate::framework::Framework;
use crate::kpi::{Direction, Indicator, Kpi, Worse};
use crate::problem::{Place, Problem, nearest};
use crate::text::Text;

impl Catalogue {
    /// Checks that counter-indicators, published figures and items of frameworks exist.
    #[must_use]
    pub fn check_context(&self, frameworks: &[Framework]) -> Vec<Problem> {
        let mut problems = Vec::new();
        for kpi in &self.kpis {
            self.check_counters(kpi, &mut problems);
            for figure in kpi.references.iter().flat_map(|one| &one.figures) {
                problems.extend(unknown_indicator(kpi, figure.indicator.as_ref()));
            }
            for item in &kpi.frameworks {
                let framework = frameworks.iter().find(|of| of.code == item.framework);
                if let Some(framework) = framework.filter(|of| !of.has(&item.id.value)) {
                    problems.push(unknown_item(framework, &item.id));
                }
            }
        }
        problems
    }

    /// The counter-indicators of a KPI, each with the KPI and indicator that it is.
    pub fn counters_of<'c>(
        &'c self,
        kpi: &'c Kpi,
    ) -> impl Iterator<Item = (&'c crate::kpi::Counter, &'c Kpi, &'c Indicator)> {
        kpi.counters.iter().filter_map(|counter| {
            let of = self.kpis.iter().find(|kpi| kpi.no == counter.kpi)?;
            let code = counter.indicator.as_ref();
            let indicator = match code {
                None => of.indicators.first()?,
                Some(code) => of.indicators.iter().find(|one| one.code == code.value)?,
            };
            Some((counter, &**of, indicator))
        })
    }

    fn check_counters(&self, kpi: &Kpi, problems: &mut Vec<Problem>) {
        for counter in &kpi.counters {
            let Some(of) = self.kpis.iter().find(|kpi| kpi.no == counter.kpi) else {
                problems.push(unknown_kpi(&counter.place, counter.kpi));
                continue;
            };
            if let Some(problem) = unknown_indicator(of, counter.indicator.as_ref()) {
                problems.push(problem);
                continue;
            }
            let found = counter
                .indicator
                .as_ref()
                .map_or(of.indicators.first(), |code| {
                    of.indicators.iter().find(|one| one.code == code.value)
                });
            let has_no_direction = found.is_some_and(|one| one.direction == Direction::None);
            if counter.worse == Worse::AgainstItsDirection && has_no_direction {
                problems.push(
                    Problem::new(
                        counter.place.clone(),
                        Text::new(
                            "良否の向きがない指標です。どちらに動くと悪いかが決まりません",
                            "neither way is better for that indicator, so none is worse",
                        ),
                    )
                    .hint(Text::new(
                        "`must_not = \"fall\"` または `must_not = \"rise\"` を加えてください",
                        "add `must_not = \"fall\"` or `must_not = \"rise\"`",
                    )),
                );
            }
        }
    }
}

fn unknown_kpi(place: &Place, no: u32) -> Problem {
    Problem::new(
        place.clone(),
        Text::new(
            format!("番号 {no} のKPIはありません"),
            format!("no KPI has the number {no}"),
        ),
    )
    .hint(Text::new(
        "`keiki catalogue` で番号を確認してください",
        "`keiki catalogue` lists the numbers",
    ))
}

fn unknown_indicator(kpi: &Kpi, code: Option<&Located>) -> Option<Problem> {
    let code = code?;
    if kpi.indicators.iter().any(|one| one.code == code.value) {
        return None;
    }
    let codes: Vec<&str> = kpi.indicators.iter().map(|one| one.code.as_str()).collect();
    let all = codes.join(", ");
    let near = nearest(&code.value, codes.iter().copied()).map_or_else(
        || Text::new(format!("指標: {all}"), format!("its indicators: {all}")),
        |near| {
            Text::new(
                format!("`{near}` ではありませんか"),
                format!("did you mean `{near}`?"),
            )
        },
    );
    let message = Text::new(
        format!("KPI {} に指標 `{}` はありません", kpi.no, code.value),
        format!("KPI {} has no indicator `{}`", kpi.no, code.value),
    );
    Some(Problem::new(code.place.clone(), message).hint(near))
}

fn unknown_item(framework: &Framework, id: &Located) -> Problem {
    let message = Text::new(
        format!("{} に項目 `{}` はありません", framework.title.ja, id.value),
        format!("{} has no item `{}`", framework.title.en, id.value),
    );
    let problem = Problem::new(id.place.clone(), message);
    match framework.nearest(&id.value) {
        None => problem,
        Some(near) => problem.hint(Text::new(
            format!("`{near}` ではありませんか"),
            format!("did you mean `{near}`?"),
        )),
    }
}
