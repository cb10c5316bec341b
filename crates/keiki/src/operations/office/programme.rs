//! The programme before a reader: targets, owners, exceptions and whom KPIs do not concern; and why a figure is what it is.

use keiki_model::access::Right;
use keiki_model::calendar::date_of;
use keiki_model::programme::Standing;
use keiki_model::text::Text;
use keiki_report::format;

use super::Desk;
use super::actions::{SAID_LENGTH_MOST, due_on, is_long};
use super::figures::Look;
use crate::error::{Error, Result};
use crate::operations::access::Within;
use crate::operations::notes::{self, Plan};

/// Something that stands for a KPI and an org unit for a time.
#[derive(Debug, Clone)]
pub struct StandingLine {
    /// The KPI.
    pub no: u32,
    /// Its name.
    pub kpi: String,
    /// The org unit's name.
    pub unit: String,
    /// The org unit's id.
    pub unit_id: String,
    /// What stands.
    pub what: String,
    /// What belongs to it: why, or who stands in.
    pub note: String,
    /// From when.
    pub from: String,
    /// Until when; empty where it has no end.
    pub until: String,
    /// Who approved it.
    pub approved_by: String,
    /// Whether it is over.
    pub is_over: bool,
}

/// What the programme says.
#[derive(Debug, Clone)]
pub struct ProgrammeView {
    /// Targets that the organisation has set.
    pub targets: Vec<StandingLine>,
    /// The adopted maturities and KPIs in words; empty where all are.
    pub adopted: String,
    /// The adopted maturities as written.
    pub maturity: String,
    /// The KPIs that are adopted by number, as written.
    pub kpis: String,
    /// How many KPIs are adopted.
    pub count: usize,
    /// Parameters that the organisation has set.
    pub parameters: Vec<StandingLine>,
    /// How often evidence is asked for, where it is not as often as the catalogue has it.
    pub cadences: Vec<StandingLine>,
    /// Who answers for what.
    pub owners: Vec<StandingLine>,
    /// Approved misses.
    pub waivers: Vec<StandingLine>,
    /// Whom KPIs do not concern.
    pub exempt: Vec<StandingLine>,
    /// The edition in which all of this is recorded: number, when, who; the latest last.
    pub edition: Option<(i64, String, String)>,
}

/// What somebody says of a figure.
#[derive(Debug, Clone, Default)]
pub struct SaidOf {
    /// The KPI.
    pub no: u32,
    /// The indicator.
    pub indicator: String,
    /// Why it is what it is; empty where only an action is opened.
    pub cause: String,
    /// What is done about it; empty where nothing is.
    pub action: String,
    /// Who sees to it.
    pub owner: String,
    /// By when; empty where no day is set.
    pub due_on: String,
}

impl Desk {
    /// What the programme says, for the org units that the reader may know of.
    ///
    /// # Errors
    /// They may see no figures, or the ledger cannot be read.
    pub async fn programme(&self) -> Result<ProgrammeView> {
        let (_, within) = self.within(Right::See)?;
        let programme = &self.books.workspace.programme;
        let language = self.who.language;
        let line = |standing: &Standing, what: String, note: String| {
            self.standing(standing, &within, what, note)
        };
        let targets = programme.targets.iter().filter_map(|one| {
            let kpi = self
                .books
                .workspace
                .catalogue
                .kpi(&one.standing.kpi.to_string())?;
            let code = one.indicator.as_deref();
            let mut indicators = kpi.indicators.iter();
            let indicator = indicators.find(|of| code.is_none_or(|code| of.code == code))?;
            let what = one.target.map_or_else(
                || format::NOTHING.to_owned(),
                |target| format::target(target, indicator.unit, language),
            );
            line(
                &one.standing,
                what,
                indicator.title.get(language).to_owned(),
            )
        });
        let owners = programme.owners.iter().filter_map(|one| {
            let deputy = one.deputy.clone().unwrap_or_default();
            line(&one.standing, one.owner.clone(), deputy)
        });
        let parameters = programme
            .parameters
            .iter()
            .filter_map(|one| line(&one.standing, one.value.value.clone(), one.name.clone()));
        let cadences = programme.cadences.iter().filter_map(|one| {
            let kpi = one.standing.kpi.to_string();
            let usual = self.books.workspace.catalogue.kpi(&kpi)?.frequency;
            let usual = Text::new(
                format!("カタログでは{}", usual.title().ja),
                format!("{} in the catalogue", usual.title().en),
            );
            line(
                &one.standing,
                one.frequency.title().get(language).to_owned(),
                usual.get(language).to_owned(),
            )
        });
        let kpis = programme.kpis.iter().map(u32::to_string);
        let kpis = kpis.collect::<Vec<_>>().join(" ");
        let catalogue = self.books.workspace.catalogue.kpis.iter();
        let named = keiki_model::kpi::MATURITIES.iter();
        let named = named.filter(|(code, ..)| programme.maturities.iter().any(|one| one == code));
        let named = named.map(|(_, text_ja, text_en)| match language {
            keiki_model::text::Language::Ja => (*text_ja).to_owned(),
            keiki_model::text::Language::En => (*text_en).to_owned(),
        });
        let adopted: Vec<String> = named
            .chain(programme.kpis.iter().map(|no| format!("KPI {no}")))
            .collect();
        let waivers = programme.waivers.iter().filter_map(|one| {
            line(
                &one.standing,
                String::new(),
                one.reason.get(language).to_owned(),
            )
        });
        let exempt = programme.applicability.iter().filter(|one| !one.applies);
        let exempt = exempt.filter_map(|one| {
            line(
                &one.standing,
                String::new(),
                one.reason.get(language).to_owned(),
            )
        });
        let editions = crate::operations::programme::editions(&self.books.workspace).await?;
        Ok(ProgrammeView {
            targets: targets.collect(),
            adopted: adopted.join(Text::new("、", ", ").get(language)),
            maturity: programme.maturities.join(" "),
            kpis,
            count: catalogue.filter(|kpi| programme.adopts(kpi)).count(),
            parameters: parameters.collect(),
            cadences: cadences.collect(),
            owners: owners.collect(),
            waivers: waivers.collect(),
            exempt: exempt.collect(),
            edition: editions
                .last()
                .filter(|_| within.is_whole())
                .map(|one| (one.number, self.local(one.known_at), one.author.clone())),
        })
    }

    /// `None` where it is about an org unit that the reader may not know of.
    fn standing(
        &self,
        of: &Standing,
        within: &Within,
        what: String,
        note: String,
    ) -> Option<StandingLine> {
        let names = self.names();
        let today = self.today();
        within.has(&of.org_unit).then(|| StandingLine {
            no: of.kpi,
            kpi: names.kpi(of.kpi),
            unit: names.org_unit(&of.org_unit),
            unit_id: of.org_unit.clone(),
            what,
            note,
            from: date_of(of.from).to_string(),
            until: of
                .until
                .map_or_else(String::new, |until| date_of(until - 1).to_string()),
            approved_by: of.approved_by.clone().unwrap_or_default(),
            is_over: of.until.is_some_and(|until| until <= today),
        })
    }

    /// Whether the reader may say why the figures of an org unit are what they are.
    #[must_use]
    pub fn may_explain(&self, unit: &str) -> bool {
        let explains = self.within(Right::Explain);
        explains.is_ok_and(|(_, within)| within.has(unit))
    }

    /// Says why a figure is what it is, opens an action about it, or both.
    ///
    /// # Errors
    /// They may not, nothing is said, or there is no such figure.
    pub async fn explain(&self, look: &Look, said: &SaidOf) -> Result<()> {
        let (_, within) = self.within(Right::Explain)?;
        let unit = within.chosen(look.unit.as_deref())?.to_owned();
        let period = self.period(look.period.as_deref())?;
        let (cause, action) = (said.cause.trim(), said.action.trim());
        if (cause.is_empty() && action.is_empty()) || is_long(cause) || is_long(action) {
            return Err(Error::user(
                Text::new(
                    "説明も是正も記入されていないか、長すぎます",
                    "nothing was said, or too much",
                ),
                Text::new(
                    format!("原因か是正の内容を{SAID_LENGTH_MOST}文字以内で記入してください"),
                    format!(
                        "write the cause or what is done about it, in {SAID_LENGTH_MOST} characters at most"
                    ),
                ),
            ));
        }
        let due_on = due_on(&said.due_on)?;
        let owner = match said.owner.trim() {
            "" => self.who.actor.name.clone(),
            owner => owner.to_owned(),
        };
        let asked = notes::Explain {
            kpi: said.no.to_string(),
            indicator: Some(said.indicator.clone()),
            org_unit: unit.clone(),
            period,
            cause: (!cause.is_empty()).then(|| cause.to_owned()),
            action: (!action.is_empty()).then(|| Plan {
                what: Text::new(action, action),
                owner,
                due_on,
            }),
        };
        notes::explain(&self.books.workspace, &asked, &self.run()).await?;
        self.office.kept.look_again().await;
        let figure = format!("{} {unit} {period}", said.no);
        self.note("explain", &figure, &said.indicator).await
    }
}
