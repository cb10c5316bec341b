//! `keiki demo`

use std::path::PathBuf;

use keiki_model::calendar::date_of;
use keiki_model::text::{Language, Text};
use keiki_report::{format, scorecard, sentence};

use super::serve;
use crate::cli::Exit;
use crate::cli::session::Session;
use crate::error::Result;
use crate::messages;
use crate::operations::demo::{self, Books, Played, Refused};

/// Make a fictional sample group's workspace, take its evidence in month by month, measure it, and, in a terminal, serve it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder; it is made where there is none
    #[arg(default_value = "keiki-demo")]
    dir: PathBuf,
    /// Keep a numbered copy of each export here, as it arrived
    #[arg(long, value_name = "DIR")]
    deliveries: Option<PathBuf>,
    /// Close eleven months too, restate two of them, and sign (takes minutes)
    #[arg(long)]
    closed: bool,
    /// End with the figures; in a terminal the web pages are served afterwards
    #[arg(long)]
    no_serve: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let books = if self.closed {
            Books::Closed
        } else {
            Books::Open
        };
        let played = demo::demo(
            &self.dir,
            (books, self.deliveries.as_deref()),
            session.progress(),
        )
        .await?;
        let language = session.language_in(&played.workspace);
        let shown = self.dir.display();
        for outcome in &played.outcomes {
            if let Err(error) = &outcome.result {
                let why = error.message();
                session.complain(format!("{}: {}", outcome.source, why.get(language)));
            }
        }
        let made = Text::new(
            format!(
                "架空のグループのワークスペースを作成しました: {shown}(会社、人、事故はすべて架空です)"
            ),
            format!(
                "made the workspace of a fictional group: {shown} (no company, person or incident in it exists)"
            ),
        );
        session.line(made.get(language));
        session.line(taken(&played).get(language));
        for refused in &played.refused {
            session.line(told(refused).get(language));
        }
        session.line("");
        show(&played, session);
        session.line(format!("\n{}", messages::NEXT.get(language)));
        for (what, command) in next_steps() {
            session.line(format!(
                "  # {}\n  keiki {command} --workspace {shown}",
                what.get(language)
            ));
        }
        // Nobody follows a link into a file or another program.
        if self.no_serve || !session.is_watched() {
            return Ok(Exit::Fine);
        }
        session.line("");
        serve::beside(&played.workspace.root, session).await
    }
}

/// The columns within which the page is printed.
const COLUMNS: usize = 100;

/// Says what was taken in.
fn taken(played: &Played) -> Text {
    let reports = || {
        played
            .outcomes
            .iter()
            .filter_map(|outcome| outcome.result.as_ref().ok())
    };
    let accepted: u64 = reports().map(|report| report.receipt.counts.accepted).sum();
    let rejected: u64 = reports().map(|report| report.receipt.counts.rejected).sum();
    let (readings, accepted) = (played.outcomes.len(), format::count(i128::from(accepted)));
    Text::new(
        format!(
            "2023年4月から2026年9月までの証跡{accepted}件を{readings}回に分けて取り込みました(取込エラー{rejected}件)"
        ),
        format!(
            "took in {accepted} records of April 2023 to September 2026 in {readings} readings ({rejected} rows rejected)"
        ),
    )
}

/// Says which export could not be used.
fn told(refused: &Refused) -> Text {
    let (source, reason) = (&refused.source, &refused.reason);
    let on = date_of(refused.on).to_string();
    let on_ja = format::day(&on, Language::Ja);
    Text::new(
        format!("取り込めなかった証跡: {source}({on_ja}着) {}", reason.ja),
        format!("refused: {source}, arrived on {on}: {}", reason.en),
    )
}

/// Shows the group's page and what its marks mean.
fn show(played: &Played, session: &Session) {
    let names = session.names(&played.workspace);
    let language = session.language();
    let Some(first) = played.scorecard.first() else {
        return;
    };
    let period = demo::period();
    session.line(format!(
        "{} ({})  {period}",
        names.unit_of(&first.measurement),
        first.measurement.org_unit
    ));
    session.table_within(
        &scorecard::overview(&played.scorecard, &period, &names),
        COLUMNS,
    );
    let halves = Text::new(
        "† 2026年度上期(FY2026-H1)の値。推移は半期ごと、その他の推移は四半期末ごとに6期分",
        "† of the half-year FY2026-H1. Trends are of six half-years there, of six quarters' ends elsewhere",
    );
    session.line(halves.get(language));
    session.line(messages::REPORTED_LEGEND.get(language));
    for lag in sentence::own_periods(played.scorecard.iter().map(|line| &line.measurement)) {
        session.line(lag.get(language));
    }
}

/// Commands that show what the story is about.
fn next_steps() -> [(Text, &'static str); 15] {
    let step = |ja: &str, en: &str, command| (Text::new(ja, en), command);
    [
        step(
            "ブラウザーで見る(表示されるリンクで、名前とパスワードを決める)",
            "see it in a browser: it prints a link by which you choose a name and a password",
            "serve",
        ),
        step(
            "遅れて届いた架空物流の分で何が変わったか",
            "what Fictional Logistics, which reported late, has changed",
            "explain 1 --org HD --period 2026-09 --against 2026-10-06",
        ),
        step(
            "ハードウェア棚卸を会社別に見る",
            "the stocktake of hardware, company by company",
            "measure --kpi 1 --period 2026-09 --all-orgs",
        ),
        step(
            "検出されたまま誰も引き受けていない機器",
            "devices that were found and that nobody owns",
            "explain 1 --indicator undeclared_count --org JP1-FAC2 --period 2026-09 --rows",
        ),
        step(
            "第1四半期の封じ込め時間が8月に訂正された経緯",
            "how the first quarter's time to contain was corrected in August",
            "explain 23 --org HD --period FY2026-Q1 --against 2026-07-20",
        ),
        step(
            "第1四半期の受講率から二重計上が取り消された経緯",
            "how attendances that were counted twice left the first quarter",
            "explain 33 --org HD --period FY2026-Q1 --against 2026-07-20",
        ),
        step(
            "封じ込めの済んでいないインシデント",
            "incidents that are not contained yet",
            "explain 23 --indicator open_count --org HD --period 2026-09 --rows",
        ),
        step(
            "計画が改訂されても当初計画で遅れを数えるEDR導入",
            "a rollout that is late by its first plan, though the plan was revised",
            "explain 45 --org JP1 --period 2026-09 --rows",
        ),
        step(
            "8月分のインシデントを報告しなかった架空アジア(0件を報告した架空中国と比べる)",
            "Fictional Asia, which reported no incidents of August, beside Fictional China, which reported none",
            "measure --kpi 23 --period 2026-08 --org HD,SG1,CN1",
        ),
        step(
            "組織図にない組織の証跡",
            "evidence of an org unit that nobody knows",
            "explain 30 --org unassigned --period 2026-09 --rows",
        ),
        step(
            "目標未達を期限付きで承認された工場",
            "a plant that misses its target with an approved exception",
            "explain 30 --org JP1-FAC1 --period 2026-09",
        ),
        step(
            "規則の検査結果から要塞化の完了が導かれたシステム",
            "systems that are hardened by what the results of rules say",
            "explain 30 --org JP1-FAC1 --period 2026-09 --rows",
        ),
        step(
            "2025年4月の組織再編の前の受講率を、再編後の組織で見る",
            "attendance before the reorganisation of April 2025, on the structure after it",
            "measure --kpi 33 --period 2025-03 --org HD,JP1 --stand-alone --tree-on 2025-04-01",
        ),
        step(
            "取込エラー行とその理由",
            "the rows that were rejected, and why",
            "rejects",
        ),
        step("帳簿の照合", "check that the books balance", "verify"),
    ]
}
