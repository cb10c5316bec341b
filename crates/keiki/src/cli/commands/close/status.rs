//! How far the close of a period is, on screen.

use keiki_model::calendar::date_of;
use keiki_model::text::{Language, Text};
use keiki_report::format;
use keiki_report::table::{Column, Table};

use super::list;
use crate::cli::session::Session;
use crate::config::Workspace;
use crate::operations::certify::Standing;
use crate::operations::statement::CloseStatus;

/// Shows the days, the certifications and what stands in the way.
pub(super) fn show(status: &CloseStatus, workspace: &Workspace, session: &Session) {
    let language = session.language();
    let say = |text: Text| session.line(text.get(language));
    if let Some([cut_off, preliminary, last]) = status.days {
        let [cut_off, preliminary, last] = [cut_off, preliminary, last].map(date_of);
        let ja = [cut_off, preliminary, last].map(|on| format::day(&on.to_string(), Language::Ja));
        let [cut_off_ja, preliminary_ja, last_ja] = ja;
        say(Text::new(
            format!("証跡の締切 {cut_off_ja}  仮締め {preliminary_ja}  本締め {last_ja}"),
            format!("cut-off {cut_off}  preliminary close {preliminary}  final close {last}"),
        ));
    }
    if let Some((at, by)) = &status.preliminary {
        let at = super::super::statement::local(*at, workspace);
        say(Text::new(
            format!("仮締め済み: {} {by}", format::moment(&at, Language::Ja)),
            format!("preliminary close: {at} {by}"),
        ));
    }
    if let Some(revision) = status.revision {
        say(Text::new(
            format!("締めた版: 第{revision}版"),
            format!("last closed as revision {revision}"),
        ));
    }
    for late in &status.late {
        let on = date_of(late.on).to_string();
        let on_ja = format::day(&on, Language::Ja);
        say(Text::new(
            format!(
                "締切後の証跡: {on_ja} {}(記帳番号{})",
                late.source, late.seq
            ),
            format!(
                "after the cut-off: {on} {} (commit {})",
                late.source, late.seq
            ),
        ));
    }
    if !status.certifications.is_empty() {
        session.table(&certifications(status, workspace, session));
    }
    if status.obstacles.is_empty() {
        say(Text::new(
            "締めを妨げるものはありません",
            "nothing stands in the way",
        ));
    } else {
        say(Text::new("締めを妨げるもの", "what stands in the way"));
        list(&status.obstacles, workspace, session, Session::line);
    }
}

/// Who is to certify, and whether that was done.
pub(in crate::cli::commands) fn certifications(
    status: &CloseStatus,
    workspace: &Workspace,
    session: &Session,
) -> Table {
    let language = session.language();
    let names = session.names(workspace);
    let word = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
    let mut table = Table::new(vec![
        Column::text(word("組織", "Org unit"), 8),
        Column::text(word("確認責任者", "To certify"), 8),
        Column::text(word("確認", "Standing"), 10),
        Column::text(word("確認者", "By"), 8),
        Column::text(word("日時", "At"), 16),
    ]);
    for one in &status.certifications {
        let standing = match one.standing {
            Standing::Certified => word("確認済み", "certified"),
            Standing::Lapsed => word("数値変更のため再確認", "figures changed since"),
            Standing::Missing => word("未確認", "not yet"),
        };
        let (by, at) = one.by.as_ref().map_or_else(Default::default, |(by, at)| {
            let at = super::super::statement::local(*at, workspace);
            (by.clone(), format::moment(&at, language))
        });
        table.push(vec![
            names.org_unit(&one.certifier.org_unit).into(),
            one.certifier.person.as_str().into(),
            standing.into(),
            by.into(),
            at.into(),
        ]);
    }
    table
}
