//! Links by which somebody without an account sends one file for one org unit and period. *Source*: decision 0081.

use keiki_model::access::{Grant, Right, Role};
use keiki_model::calendar::{Day, Period, local_day};
use keiki_model::dataset::OrgUnits;
use keiki_model::text::{Text, hexadecimal};
use keiki_store::{StoredUploadLink, UploadLinks};
use rand::Rng;

use super::access::Scope;
use super::accounts::{Actor, Registry, new_token, sha256};
use super::office::submitting::{WORKBOOK, speaks_within};
use crate::config::{Workspace, suggestion};
use crate::error::{Error, Result};

/// For how many days a link holds, unless somebody says so, and at most.
pub const DAYS: u16 = 14;
/// At most.
pub const DAYS_MOST: u16 = 60;
/// The longest name of a holder. *Units*: characters.
const HOLDER_LENGTH_MOST: usize = 80;
const DAY_MICROS: i64 = 86_400_000_000;

/// A link to be made.
#[derive(Debug, Clone)]
pub struct NewUploadLink {
    /// For whom it is.
    pub holder: String,
    /// The org unit for which they speak.
    pub org_unit: String,
    /// `source:NAME`, `dataset:NAME`, or `workbook`.
    pub into: String,
    /// The period that the file is about, as written.
    pub period: String,
    /// For how many days it holds.
    pub days: u16,
}

/// The links of a workspace.
///
/// # Errors
/// The database cannot be used.
pub async fn open(workspace: &Workspace) -> Result<UploadLinks> {
    Ok(UploadLinks::open(&workspace.database()?).await?)
}

/// Makes a link. Returns what is known of it, and its token, which nobody can tell again.
///
/// # Errors
/// Something of it does not fit.
pub async fn make(
    workspace: &Workspace,
    links: &UploadLinks,
    new: &NewUploadLink,
    by: &Actor,
) -> Result<(StoredUploadLink, String)> {
    let holder = holder(&new.holder)?;
    if new.days == 0 || new.days > DAYS_MOST {
        return Err(Error::user(
            Text::new(
                format!("有効日数ではありません: {}", new.days),
                format!("not a number of days for a link: {}", new.days),
            ),
            Text::new(
                format!("1から{DAYS_MOST}までの日数を指定してください"),
                format!("choose from 1 to {DAYS_MOST}"),
            ),
        ));
    }
    let today = local_day(by.now, &workspace.settings.zone);
    check_what(workspace, new, today)?;
    let as_of = day(workspace, &new.period, today)?;
    let token = new_token();
    let bytes: [u8; 8] = rand::rng().random();
    let link = StoredUploadLink {
        id: hexadecimal(&bytes),
        token_sha256: sha256(&token),
        holder,
        org_unit: new.org_unit.clone(),
        into: new.into.clone(),
        period: new.period.clone(),
        as_of,
        made_by: by.name.clone(),
        made_at: by.now,
        expires_at: by.now + i64::from(new.days) * DAY_MICROS,
        used_at: None,
        revoked_at: None,
    };
    links.add(&link).await?;
    Ok((link, token))
}

/// Writes down that a link was made.
///
/// # Errors
/// The database cannot be written.
pub async fn note_made(registry: &Registry, link: &StoredUploadLink, by: &Actor) -> Result<()> {
    let detail = format!("{} {} {}", link.org_unit, link.into, link.period);
    registry
        .note(by, "upload_link_make", &name(link), &detail)
        .await
}

/// Takes a link back.
///
/// # Errors
/// There is none of that id that holds.
pub async fn revoke(links: &UploadLinks, registry: &Registry, id: &str, by: &Actor) -> Result<()> {
    let all = links.all().await?;
    let link = all.iter().find(|one| one.id == id);
    let is_revoked = match link {
        Some(_) => links.revoke(id, by.now).await?,
        None => false,
    };
    let Some(link) = link.filter(|_| is_revoked) else {
        return Err(Error::user(
            Text::new(
                format!("有効なリンクがありません: {id}"),
                format!("no link that holds: {id}"),
            ),
            Text::new(
                "使用済みか、すでに取り消されたか、IDが違います",
                "it was used or taken back, or has another id",
            ),
        ));
    };
    registry
        .note(by, "upload_link_revoke", &name(link), "")
        .await
}

/// The link of a token that holds; `None` where it does not, and nothing tells why.
///
/// # Errors
/// The database cannot be read.
pub async fn find(links: &UploadLinks, token: &str, now: i64) -> Result<Option<StoredUploadLink>> {
    Ok(links.find(&sha256(token), now).await?)
}

/// What the holder of a link may do: send evidence of its org unit.
#[must_use]
pub fn scope(org_unit: &str) -> Scope {
    let grant = Grant {
        role: Role::DataOwner,
        org_unit: org_unit.to_owned(),
    };
    Scope::new(vec![grant]).narrowed(vec![Right::Submit])
}

/// How the holder of a link is called in the log and in the books. No account has such a name.
#[must_use]
pub fn name(link: &StoredUploadLink) -> String {
    format!("link {} {}", link.id, link.holder)
}

fn holder(text: &str) -> Result<String> {
    let text = text.trim();
    let is_one = !text.is_empty()
        && text.chars().count() <= HOLDER_LENGTH_MOST
        && !text.chars().any(char::is_control);
    if is_one {
        return Ok(text.to_owned());
    }
    Err(Error::user(
        Text::new(
            "リンクを渡す相手の名前がないか、長すぎます",
            "whom the link is for is missing or too long",
        ),
        Text::new(
            format!("{HOLDER_LENGTH_MOST}文字までで指定してください"),
            format!("say it in up to {HOLDER_LENGTH_MOST} characters"),
        ),
    ))
}

/// Refuses a link by which its holder could send nothing.
fn check_what(workspace: &Workspace, new: &NewUploadLink, today: Day) -> Result<()> {
    let tree = workspace.organisation.tree(today);
    let within = scope(&new.org_unit).within(Right::Submit, &tree);
    if within.first().is_none() {
        let ids = tree.nodes().iter().map(|node| node.id.as_str());
        return Err(Error::user(
            Text::new(
                format!("組織がありません: {}", new.org_unit),
                format!("unknown org unit: {}", new.org_unit),
            ),
            suggestion(&new.org_unit, ids),
        ));
    }
    if new.into == WORKBOOK {
        return Ok(());
    }
    let wrong = || {
        Error::user(
            Text::new(
                format!("この組織のために送れるものではありません: {}", new.into),
                format!("nothing that can be sent for this org unit: {}", new.into),
            ),
            Text::new(
                "workbook(収集票)、dataset:名前、またはその組織だけを対象とする source:名前 を指定してください",
                "name workbook, dataset:NAME, or source:NAME of a source that is about this org unit alone",
            ),
        )
    };
    match new.into.split_once(':') {
        Some(("source", name)) => {
            let source = workspace.source(name)?;
            if speaks_within(source, &within) {
                Ok(())
            } else {
                Err(wrong())
            }
        }
        Some(("dataset", name)) => {
            let dataset = workspace.dataset(name)?;
            let is_sent = dataset.distinct.is_none() && dataset.org_units != OrgUnits::None;
            if is_sent { Ok(()) } else { Err(wrong()) }
        }
        _ => Err(wrong()),
    }
}

/// The day for which a file of a period speaks: its last, or today where it goes on.
fn day(workspace: &Workspace, period: &str, today: Day) -> Result<Day> {
    let parsed = Period::parse(period).ok();
    let months = parsed.and_then(|period| period.months(&workspace.settings.calendar));
    let months = months.filter(|(first, _)| first.first_day() <= today);
    let (_, last) = months.ok_or_else(|| {
        Error::user(
            Text::new(
                format!("始まった期間ではありません: {period}"),
                format!("not a period that has begun: {period}"),
            ),
            Text::new(
                "2026-09 や FY2026-Q2 のように指定してください",
                "write it as 2026-09 or FY2026-Q2",
            ),
        )
    })?;
    Ok(last.last_day().min(today))
}
