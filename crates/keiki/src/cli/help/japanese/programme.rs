//! The texts of the help about the programme and its definitions.

pub(super) const TEXTS: &[(&str, &str)] = &[
    (
        "The ledger of definitions: what is in force, since when, and who recorded it",
        "定義の台帳。何が、いつから、誰の記録で有効か",
    ),
    (
        "Show what the files would change, or what one edition changed",
        "ファイルを記録すると何が変わるか、または一つの版で何が変わったかを示す",
    ),
    (
        "What this edition changed against the one before it",
        "この版が一つ前の版から変えた内容",
    ),
    ("Only the names of the files", "ファイル名だけ"),
    (
        "Record what the files say, with the reason",
        "ファイルの内容を理由とともに記録する",
    ),
    ("Why it changes", "変更の理由"),
    (
        "Change the programme or the org tree; what needs four eyes becomes a request",
        "プログラムや組織を変更する。承認が必要なものは申請になる",
    ),
    (
        "What: adoption, target, parameter, cadence, applicability, waiver, owner, hand_over, end, unit_add, unit_move, unit_end",
        "変更の種類: adoption、target、parameter、cadence、applicability、waiver、owner、hand_over、end、unit_add、unit_move、unit_end",
    ),
    (
        "To what, such as kpi=1 org_unit=JP1 from=2026-04-01 at_least=0.95",
        "内容(例: kpi=1 org_unit=JP1 from=2026-04-01 at_least=0.95)",
    ),
    (
        "Only show what it would make of the files",
        "ファイルがどう変わるかを示すだけにする",
    ),
    ("List the editions", "版を一覧する"),
    (
        "List the approved plans: what their baseline holds, what was revised and added since",
        "承認済みの計画を一覧する。基準計画の項目、その後の改訂と追加",
    ),
    (
        "Write the files of an edition into a new folder",
        "一つの版のファイルを新しいフォルダに書き出す",
    ),
    ("The edition [default: the last]", "版 [既定: 最新]"),
    ("The folder", "フォルダ"),
];
