//! What makes a reading unusable, in Japanese; what is not worded here yet is said as the reader of the format says it.

use keiki_ingest::IngestError;

/// What is wrong.
pub(super) fn message(error: &IngestError) -> String {
    match error {
        IngestError::Io { file, source } => format!("{file}: 読めません: {source}"),
        IngestError::EmptyFile { file } => format!("{file}: ファイルが空です"),
        IngestError::Encoding { place, found } => {
            format!("{place}: 文字コードが違います: {found}")
        }
        IngestError::Header { place, detail } => {
            format!("{place}: 見出しとして使えません: {detail}")
        }
        IngestError::DuplicateHeader {
            place,
            name,
            first,
            second,
        } => format!("{place}: {first}列目と{second}列目の名前が同じです: {name}"),
        IngestError::Truncated { place, within } => {
            format!("{place}: ファイルが途中で終わっています({within})")
        }
        IngestError::Syntax {
            place,
            expected,
            found,
        } => format!("{place}: {expected} があるべき位置に {found} があります"),
        IngestError::Entities { place } => {
            format!("{place}: 文書型宣言に実体の宣言があります")
        }
        IngestError::NoRecords { file, path, .. } => {
            format!("{file}: 次の位置にレコードがありません: {path}")
        }
        IngestError::TooLarge { file, what, limit } => {
            format!("{file}: 上限({limit} {what})を超えています")
        }
        IngestError::NoFile { place } => format!("該当するファイルがありません: {place}"),
        IngestError::OutsideWorkspace { place } => {
            format!("ワークスペースの外を指しています: {place}")
        }
        IngestError::Pattern { place, detail } => {
            format!("ファイル名のパターンとして読めません: {place}: {detail}")
        }
        IngestError::Archive { file, detail } | IngestError::Sheet { file, detail, .. } => {
            format!("{file}: {}", detail.ja)
        }
        IngestError::NoDay { file, form } => {
            format!("{file}: ファイル名に {form} の形の日付がありません")
        }
        IngestError::Internal { detail } => format!("行を組み立てられません: {detail}"),
        other => other.to_string(),
    }
}

/// How to mend it.
pub(super) fn hint(error: &IngestError) -> String {
    let said = match error {
        IngestError::Io { .. } => "ファイルがあり、読み取れることを確かめてください",
        IngestError::EmptyFile { .. } => {
            "該当がないことを報告するには、見出しだけのファイル(JSONでは空の配列)を送ってください"
        }
        IngestError::Encoding { .. } => {
            "[format] に encoding = \"cp932\" のように文字コードを書くか、UTF-8で保存してください"
        }
        IngestError::Header { .. } => {
            "見出しに列の名前が必要です。見出しより前の行数は `format.preamble_lines` に書いてください"
        }
        IngestError::DuplicateHeader { .. } => "列ごとに別の名前を付けてください",
        IngestError::Truncated { .. } => "ファイルが不完全です。もう一度出力してください",
        IngestError::Syntax { .. } => {
            "取得元の `kind` と `format`、および出力が完全であることを確かめてください"
        }
        IngestError::Entities { .. } => {
            "実体はファイルを際限なく膨らませます。文書型宣言なしで出力してください"
        }
        IngestError::NoRecords { keys, .. } if keys.is_empty() => {
            "`format.records` を直してください"
        }
        IngestError::NoRecords { keys, .. } => {
            return format!(
                "`format.records` を直してください。そこにある項目: {}",
                keys.join(", ")
            );
        }
        IngestError::TooLarge {
            what: "columns", ..
        } => {
            "値が項目名になっていると列が増え続けます。レコードの位置を `format.records` に書いてください"
        }
        IngestError::TooLarge {
            what: "rejected rows",
            ..
        } => {
            "何も取り込んでいません。ファイルの一部を読んで理由を確かめ、対応付けか出力を直してください"
        }
        IngestError::TooLarge { what, .. } if what.contains("unpacked") => {
            "本当にその形式のファイルか確かめてください。正しければ、展開してからファイルを指定してください"
        }
        IngestError::Archive { .. } => "証跡のファイルを、展開してフォルダに置いてください",
        IngestError::Sheet { hint, .. } => return hint.ja.clone(),
        IngestError::NoDay { .. } => {
            "ファイル名に日付を入れるか、[format] の as_of を外して --as-of で指定してください"
        }
        IngestError::TooLarge { .. } => "証跡を何回かに分けて取り込んでください",
        IngestError::NoFile { .. } => {
            "`place`(ワークスペースからの相対パスまたはパターン)を確かめてください"
        }
        IngestError::OutsideWorkspace { .. } => {
            "証跡をワークスペースの中に置くか、コマンドでファイルを指定してください"
        }
        IngestError::Pattern { .. } => "パス、または * と ? を使ったパターンを書いてください",
        IngestError::Internal { .. } => "Keikiの版とともに報告してください",
        other => return other.hint(),
    };
    said.to_owned()
}
