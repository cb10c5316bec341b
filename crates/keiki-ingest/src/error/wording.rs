//! What makes a reading unusable, and how to mend it, in the words of users.

use keiki_model::text::Text;

use super::IngestError;
use crate::limits::Quantity;

impl IngestError {
    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> Text {
        Text::new(self.japanese(), self.to_string())
    }

    fn japanese(&self) -> String {
        match self {
            Self::Definition { problems } => match problems.as_slice() {
                [] => "定義に誤りがあります".to_owned(),
                [one] => format!("{}: {}", one.place, one.message.ja),
                [first, rest @ ..] => format!(
                    "{}: {}(ほか{}件)",
                    first.place,
                    first.message.ja,
                    rest.len()
                ),
            },
            Self::Io { file, source } => format!("{file}: 読めません: {source}"),
            Self::EmptyFile { file } => format!("{file}: ファイルが空です"),
            Self::Encoding { place, found } => {
                format!("{place}: 文字コードが違います: {}", found.ja)
            }
            Self::Header { place, detail } => {
                format!("{place}: 見出しとして使えません: {}", detail.ja)
            }
            Self::DuplicateHeader {
                place,
                name,
                first,
                second,
            } => format!("{place}: {first}列目と{second}列目の名前が同じです: {name}"),
            Self::Truncated { place, within } => {
                format!("{place}: ファイルが途中で終わっています({})", within.ja)
            }
            Self::Syntax {
                place,
                expected,
                found,
            } => format!(
                "{place}: {}があるべき位置に、次のものがあります: {}",
                expected.ja, found.ja
            ),
            Self::Entities { place } => {
                format!("{place}: 文書型宣言に実体の宣言があります")
            }
            Self::NoRecords { file, path, .. } => {
                format!("{file}: 次の位置にレコードがありません: {path}")
            }
            Self::TooLarge { file, what, limit } => {
                format!(
                    "{file}: 上限({})を超えています",
                    what.amount(*limit as u64).ja
                )
            }
            Self::NoFile { place } => format!("該当するファイルがありません: {place}"),
            Self::OutsideWorkspace { place } => {
                format!("ワークスペースの外を指しています: {place}")
            }
            Self::Pattern { place, detail } => {
                format!("ファイル名のパターンとして読めません: {place}: {detail}")
            }
            Self::Broken { file, detail } => {
                format!("{file}: 圧縮されたファイルを読めません: {}", detail.ja)
            }
            Self::Archive { file, detail } => {
                format!("{file}: 書庫を読めません: {}", detail.ja)
            }
            Self::Sheet { file, detail, .. } => format!("{file}: {}", detail.ja),
            Self::NoDay { file, form } => {
                format!("{file}: ファイル名に {form} の形の日付がありません")
            }
            Self::Internal { detail } => format!("行を組み立てられません: {detail}"),
        }
    }

    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> Text {
        match self {
            Self::Definition { problems } => {
                let hint = problems.iter().find_map(|p| p.hint.as_deref());
                hint.cloned()
                    .unwrap_or_else(|| Text::new("定義を直してください", "mend the definition"))
            }
            Self::Io { .. } => Text::new(
                "ファイルがあり、読み取れることを確かめてください",
                "check that the file exists and may be read",
            ),
            Self::EmptyFile { .. } => Text::new(
                "該当がないことを報告するには、見出しだけのファイル(JSONでは空の配列)を送ってください",
                "to report that there is nothing, send a file with its header only (or an empty JSON array)",
            ),
            Self::NoRecords { keys, .. } if keys.is_empty() => Text::new(
                "`format.records` を直してください",
                "correct `format.records`",
            ),
            Self::NoRecords { keys, .. } => {
                let keys = keys.join(", ");
                Text::new(
                    format!("`format.records` を直してください。そこにある項目: {keys}"),
                    format!("correct `format.records`; the keys there are {keys}"),
                )
            }
            Self::TooLarge { what, .. } => hint_of_limit(*what),
            Self::Sheet { hint, .. } => hint.as_ref().clone(),
            Self::NoDay { .. } => Text::new(
                "ファイル名に日付を入れるか、[format] の as_of を外して --as-of で指定してください",
                "name it with its day, or leave as_of out of [format] and say it with --as-of",
            ),
            Self::NoFile { .. } => Text::new(
                "`place`(ワークスペースからの相対パスまたはパターン)を確かめてください",
                "check `place`, a path or pattern relative to the workspace",
            ),
            Self::OutsideWorkspace { .. } => Text::new(
                "証跡をワークスペースの中に置くか、コマンドでファイルを指定してください",
                "put the evidence below the workspace, or name the file on the command line",
            ),
            Self::Pattern { .. } => Text::new(
                "パス、または * と ? を使ったパターンを書いてください",
                "write a path, or a pattern with * and ?",
            ),
            Self::Internal { .. } => Text::new(
                "Keikiの版とともに報告してください",
                "report it with the version of Keiki",
            ),
            form => form.hint_of_form(),
        }
    }

    /// How to mend a file that is not of its form.
    fn hint_of_form(&self) -> Text {
        match self {
            Self::Encoding { .. } => Text::new(
                "[format] に encoding = \"cp932\" のように文字コードを書くか、UTF-8で保存してください",
                "state the encoding in [format], for example encoding = \"cp932\", or save the file as UTF-8",
            ),
            Self::Header { .. } => Text::new(
                "見出しに列の名前が必要です。見出しより前の行数は `format.preamble_lines` に書いてください",
                "the header must name the columns; say with `format.preamble_lines` how many lines stand before it",
            ),
            Self::DuplicateHeader { .. } => Text::new(
                "列ごとに別の名前を付けてください",
                "give each column a name of its own",
            ),
            Self::Truncated { .. } => Text::new(
                "ファイルが不完全です。もう一度出力してください",
                "export the file again; the copy is incomplete",
            ),
            Self::Entities { .. } => Text::new(
                "実体はファイルを際限なく膨らませます。文書型宣言なしで出力してください",
                "entities can swell a file without end; export it without a document type definition",
            ),
            Self::Broken { .. } => Text::new(
                "ファイルが不完全か、壊れています。もう一度出力するか、コピーし直してください",
                "the file is cut off or damaged; export it or copy it again",
            ),
            Self::Archive { .. } => Text::new(
                "証跡のファイルを、展開してフォルダに置いてください",
                "put the files of evidence into a folder, as they are",
            ),
            _ => Text::new(
                "取得元の `kind` と `format`、および出力が完全であることを確かめてください",
                "check `kind` and `format` of the source, and that the export is complete",
            ),
        }
    }
}

fn hint_of_limit(what: Quantity) -> Text {
    match what {
        Quantity::Columns => Text::new(
            "値が項目名になっていると列が増え続けます。レコードの位置を `format.records` に書いてください",
            "keys that are data make a column each; say with `format.records` where the records are",
        ),
        Quantity::RejectedRows => Text::new(
            "何も取り込んでいません。ファイルの一部を読んで理由を確かめ、対応付けか出力を直してください",
            "nothing was taken in; read a part of the file to see the reasons, then correct the mapping or the export",
        ),
        Quantity::UnpackedBytes | Quantity::UnpackedTimes => Text::new(
            "本当にその形式のファイルか確かめてください。正しければ、展開してからファイルを指定してください",
            "is it what it says it is? If so, unpack it and name the files in it",
        ),
        Quantity::XlsBytes | Quantity::HeldCells => Text::new(
            "この形式は全体をメモリに読み込みます。セル単位で読める .xlsx で保存してください",
            "this form is held in memory as a whole; save it as .xlsx, which is read cell by cell",
        ),
        _ => Text::new(
            "証跡を何回かに分けて取り込んでください",
            "split the evidence into several readings",
        ),
    }
}
