//! The person who answers for a company stands by its figures, before the group closes the period.

use keiki_model::calendar::{Period, parse_day};
use keiki_model::measurement::Measurement;
use keiki_model::name::Name;
use keiki_model::remark::Said;
use keiki_model::statement::{Obstacle, Statement};
use keiki_model::text::Text;
use sha2::{Digest, Sha256};

use super::programme::Run;
use super::{notes, statement};
use crate::config::Workspace;
use crate::config::settings::Certifier;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// How a company's certification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its figures are certified.
    Certified,
    /// They were, and have changed since.
    Lapsed,
    /// They are not.
    Missing,
}

/// A company, who is to stand by its figures, and whether that was done.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Who is to.
    pub certifier: Certifier,
    /// Whether it was done.
    pub standing: Standing,
    /// Who did it, and when.
    pub by: Option<(String, i64)>,
}

/// Certifies a company's figures as they are known now. Returns how many.
///
/// # Errors
/// Nobody is named for the company, or somebody else is.
pub async fn certify(
    workspace: &Workspace,
    period: Period,
    org_unit: &str,
    run: &Run,
    progress: &dyn Progress,
) -> Result<usize> {
    let mut certifiers = workspace.settings.close.certifiers.iter();
    let Some(certifier) = certifiers.find(|one| one.org_unit == org_unit) else {
        return Err(Error::user(
            Text::new(
                format!("{org_unit} の確認責任者が決められていません"),
                format!("nobody is named to certify the figures of {org_unit}"),
            ),
            Text::new(
                "keiki.toml の [[close.certifiers]] に org_unit と person を記入してください",
                "name somebody in [[close.certifiers]] of keiki.toml, with org_unit and person",
            ),
        ));
    };
    let is_named = certifier.person == run.author || certifier.deputy.as_ref() == Some(&run.author);
    if !is_named {
        let deputy = certifier.deputy.as_deref();
        let named: Vec<&str> = [Some(certifier.person.as_str()), deputy]
            .into_iter()
            .flatten()
            .collect();
        return Err(Error::user(
            Text::new(
                format!("{} は {org_unit} の確認責任者ではありません", run.author),
                format!(
                    "{} is not the one to certify the figures of {org_unit}",
                    run.author
                ),
            ),
            Text::new(
                format!("確認責任者: {}", named.join("、")),
                format!("it is for {} to do", named.join(" or ")),
            ),
        ));
    }
    let now = statement::as_known(workspace, period, run, progress).await?;
    let figures = figures(workspace, &now, org_unit);
    if figures.is_empty() {
        return Err(Error::user(
            Text::new(
                format!("{period} には {org_unit} の測定結果がありません"),
                format!("there are no figures of {org_unit} for {period}"),
            ),
            Text::new(
                "org.csv の有効期間を確かめてください",
                "see its days in org.csv",
            ),
        ));
    }
    let said = Said::Certified {
        org_unit: org_unit.into(),
        period: period.to_string().into(),
        journal_version: now.journal_version,
        figures_sha256: digest(&figures),
    };
    let so_far = notes::told(workspace).await?;
    notes::say(workspace, vec![said], &so_far, run).await?;
    Ok(figures.len())
}

/// Who is to certify what, and how that stands for a set of figures.
#[must_use]
pub fn list(workspace: &Workspace, of: &Statement) -> Vec<Listed> {
    let certifiers = workspace.settings.close.certifiers.iter();
    certifiers
        .filter_map(|certifier| {
            let figures = figures(workspace, of, &certifier.org_unit);
            // A company that was not there in the period has nothing to certify.
            if figures.is_empty() {
                return None;
            }
            let mut said = of.remarks.certifications.iter();
            let said = said.find(|one| one.org_unit == *certifier.org_unit);
            let standing = match said {
                None => Standing::Missing,
                Some(one) if one.figures_sha256 == digest(&figures) => Standing::Certified,
                Some(_) => Standing::Lapsed,
            };
            Some(Listed {
                certifier: certifier.clone(),
                standing,
                by: said.map(|one| (one.by.clone(), one.at)),
            })
        })
        .collect()
}

/// The companies whose figures nobody stands by.
pub(super) fn missing(workspace: &Workspace, of: &Statement) -> Vec<Obstacle> {
    list(workspace, of)
        .into_iter()
        .filter(|one| one.standing != Standing::Certified)
        .map(|one| Obstacle::Uncertified {
            org_unit: one.certifier.org_unit.as_str().into(),
            person: one.certifier.person,
            lapsed: one.by.map(|(by, _)| by),
        })
        .collect()
}

/// The figures of a company: its own and those of its departments, not of the companies below it.
fn figures<'s>(workspace: &Workspace, of: &'s Statement, org_unit: &str) -> Vec<&'s Measurement> {
    let first = of.measurements.first();
    let Some(day) = first.and_then(|one| parse_day(&one.cut_on)) else {
        return Vec::new();
    };
    let tree = workspace.organisation.tree(day);
    let Some(position) = tree.position(org_unit) else {
        return Vec::new();
    };
    let own: Vec<Name> = (position..tree.nodes()[position].subtree_end)
        .filter(|node| tree.entity_of(*node) == position)
        .map(|node| tree.nodes()[node].id.as_str().into())
        .collect();
    let measured = of.measurements.iter();
    measured.filter(|one| own.contains(&one.org_unit)).collect()
}

/// The hash of what a reader of the figures would see.
fn digest(figures: &[&Measurement]) -> String {
    let mut hash = Sha256::new();
    for one in figures {
        let parts = [one.value, one.numerator, one.denominator].map(|part| {
            part.map_or_else(
                || "-".to_owned(),
                |part| format!("{}/{}", part.numerator(), part.denominator()),
            )
        });
        let line = format!(
            "{} {} {} {} {} {}/{}\n",
            one.no,
            one.indicator,
            one.org_unit,
            parts.join(" "),
            one.status.code(),
            one.coverage.covered,
            one.coverage.expected
        );
        hash.update(line);
    }
    format!("{:x}", hash.finalize())
}
