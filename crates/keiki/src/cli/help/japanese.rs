//! The texts of the help, English and Japanese; `every_text_of_the_help_is_in_both_languages` says what is missing.

mod office;
mod programme;

/// The Japanese of an English text; `None` where it is not here.
pub(super) fn of(english: &str) -> Option<&'static str> {
    let all = TEXTS.iter().chain(office::TEXTS);
    let mut all = all.chain(programme::TEXTS);
    let found = all.find(|(of, _)| *of == english);
    found.map(|(_, japanese)| *japanese)
}

const TEXTS: &[(&str, &str)] = &[
    (
        "Run the scheduler of a cluster, which gives work to workers",
        "クラスターのスケジューラーを動かし、ワーカーに仕事を割り当てる",
    ),
    (
        "The file with the cluster's token [default: the environment variable `KEIKI_CLUSTER_TOKEN`]",
        "クラスターのトークンを記したファイル [既定: 環境変数 `KEIKI_CLUSTER_TOKEN`]",
    ),
    (
        "After how long a worker that says nothing counts as lost",
        "応答のないワーカーを停止したとみなすまでの秒数",
    ),
    (
        "Run a worker of a cluster, which reads the journal's files and sends partial sums",
        "クラスターのワーカーを動かし、証跡台帳のファイルを読んで部分集計を返す",
    ),
    ("The scheduler", "スケジューラー"),
    ("Where to listen", "待ち受ける場所"),
    (
        "Where to listen for those who fetch what it has computed",
        "集計結果を受け渡すために待ち受ける場所",
    ),
    (
        "Under which name others reach it [default: the address where it listens]",
        "ほかのコンピューターから接続するときの名前 [既定: 待ち受けるアドレス]",
    ),
    (
        "Its name in reports [default: host and port]",
        "記録に表示する名前 [既定: ホストとポート]",
    ),
    (
        "How many parts it computes at a time [default: as many as there are processors]",
        "同時に集計する区分の数 [既定: プロセッサーの数]",
    ),
    (
        "How much of a journal on an object store it keeps on disk",
        "オブジェクトストレージにある証跡台帳をディスクに保持する上限",
    ),
    (
        "Keeps an organisation's cybersecurity KPIs as accounts are kept",
        "組織のサイバーセキュリティKPIを、会計と同じように帳簿で管理する",
    ),
    (
        "The workspace [default: the nearest folder upwards with a keiki.toml]",
        "ワークスペース [既定: keiki.toml のある、現在のフォルダから最も近い上位のフォルダ]",
    ),
    (
        "The language of messages [default: the locale's, else the workspace's]",
        "メッセージの言語 [既定: ロケールの言語、なければワークスペースの言語]",
    ),
    ("Whether colour is added", "色を付けるかどうか"),
    (
        "Print results only: no progress, no notes",
        "結果だけを表示し、進捗や注記を表示しない",
    ),
    ("For people", "画面用の表"),
    ("For programs", "プログラム用"),
    ("For spreadsheets", "表計算用"),
    (
        "List the KPIs by group, or show one whole",
        "KPIをグループ別に一覧する。または一つのKPIの定義全体を表示する",
    ),
    ("A KPI by number or code", "KPIの番号またはコード"),
    (
        "Show which KPIs the programme has adopted, which the next stage of maturity adds, and what evidence each needs",
        "採用済みのKPI、次の成熟度の段階で加わるKPI、それぞれに必要な証跡を表示する",
    ),
    (
        "Show a published framework with the KPIs that serve it and how they stand",
        "公開された枠組みの項目ごとに、対応するKPIとその状況を表示する",
    ),
    (
        "With a framework: the period of the figures [default: last month]",
        "枠組みを表示するとき: 数値の対象期間 [既定: 前月]",
    ),
    (
        "With a framework: the org unit of the figures [default: the root of the tree]",
        "枠組みを表示するとき: 数値の組織 [既定: 組織図の最上位]",
    ),
    ("Only this group", "このグループだけ"),
    (
        "Only those that suit this maturity",
        "この成熟度に適するものだけ",
    ),
    ("Only this class", "この分類だけ"),
    ("How to print the list", "一覧の形式"),
    (
        "Validate everything in the workspace, all problems at once",
        "ワークスペース全体を検査し、問題をすべて一度に示す",
    ),
    (
        "Close a period: its figures are numbered and never change again",
        "対象期間を締める。数値は版として確定し、以後変わらない",
    ),
    (
        "The period: 2026-09, FY2026-Q2, FY2026-H1 or FY2026",
        "対象期間: 2026-09、FY2026-Q2、FY2026-H1、FY2026",
    ),
    (
        "Why it is closed although something stands in the way, or what is restated",
        "支障があっても締める理由、または訂正の内容",
    ),
    (
        "The second person who agrees, where something stands in the way",
        "支障がある場合に同意する第二の承認者",
    ),
    (
        "Put the journal's many small files together and take raw files away whose time is over; no figure moves. No ingest should run meanwhile",
        "証跡台帳の多数の小さなファイルを統合し、保持期間を過ぎた生データを除去する。数値は変わらない。実行中は取込をしないこと",
    ),
    (
        "Move the operational database",
        "運用データベースを移行する",
    ),
    (
        "Move everything from the file into the empty database of the server that keiki.toml names: all of it or nothing. No server should run meanwhile",
        "ファイルの内容すべてを、keiki.toml に書いた空のPostgreSQLへ移行する。途中で失敗した場合は何も書き込まない。実行中はサーバーを止めておくこと",
    ),
    (
        "The file, from the workspace's folder [default: .keiki/keiki.db]",
        "移行元のファイル(ワークスペースのフォルダからのパス) [既定: .keiki/keiki.db]",
    ),
    (
        "Print completions for a shell",
        "シェルの補完スクリプトを出力する",
    ),
    ("The shell", "シェル"),
    (
        "Make a fictional sample group's workspace, take its evidence in month by month, measure it, and, in a terminal, serve it",
        "架空のグループのワークスペースを作り、証跡を月ごとに取り込み、測定する。端末では続けて画面を公開する",
    ),
    (
        "End with the figures; in a terminal the web pages are served afterwards",
        "数値を表示したら終了する(端末ではその後ブラウザ用の画面を公開する)",
    ),
    (
        "The folder; it is made where there is none",
        "フォルダ(なければ作成する)",
    ),
    (
        "Keep a numbered copy of each export here, as it arrived",
        "届いた証跡の写しに番号を付けて、このフォルダに残す",
    ),
    (
        "Open a figure: the formula filled in, its rows, and what changed",
        "数値の内訳を開く。計算式、元になった行、変化した点",
    ),
    ("The KPI by number or code", "KPIの番号またはコード"),
    ("The org unit", "組織"),
    (
        "The period: 2026-09, FY2026-Q2, FY2026-H1, FY2026 or 2026-09-YTD",
        "対象期間: 2026-09、FY2026-Q2、FY2026-H1、FY2026、2026-09-YTD",
    ),
    (
        "The indicator [default: the KPI's first]",
        "指標 [既定: KPIの最初の指標]",
    ),
    (
        "As known at this instant: a date (the end of that day), a date and time, or RFC 3339 [default: now]",
        "認識時点: 日付(その日の終わり)、日時、またはRFC 3339の形式 [既定: 現在]",
    ),
    (
        "As of this commit of the journal [default: the newest]",
        "証跡台帳のコミット番号 [既定: 最新]",
    ),
    (
        "List the records that the figure is made of",
        "数値の元になったレコードを一覧する",
    ),
    (
        "Compare with another period, or with the same figure as known at another instant",
        "別の対象期間、または別の認識時点の同じ数値と比べる",
    ),
    ("How to print it", "表示の形式"),
    (
        "Show how good forecasts from the values before would have been",
        "過去の値から予測した場合の精度を検証して表示する",
    ),
    (
        "Take evidence in: of all sources, of the sources named, or of files into a dataset",
        "証跡を取り込む。すべての取得元、指定した取得元、またはデータ種別へのファイル",
    ),
    (
        "Sources [default: all]; with --dataset: files",
        "取得元 [既定: すべて]。--dataset を付けるとファイル",
    ),
    (
        "Read files into this dataset, columns by name",
        "ファイルをこのデータ種別に取り込む(列名で対応付ける)",
    ),
    (
        "The day that the evidence speaks for [default: today]",
        "証跡の基準日 [既定: 今日]",
    ),
    (
        "Org units that the evidence covers, with all below them",
        "証跡が網羅する組織(配下を含む)",
    ),
    (
        "The files hold every record of their scope",
        "ファイルは対象範囲のレコードをすべて含む",
    ),
    (
        "What a full export means by leaving a record out",
        "全件の証跡に含まれないレコードの扱い",
    ),
    (
        "Carry out retirements that were held back",
        "保留された終了を実行する",
    ),
    ("Nothing", "何もしない"),
    ("The record is no more", "レコードが終了した"),
    (
        "The source no longer speaks of it",
        "この取得元は今後このレコードを報告しない",
    ),
    ("Start a workspace", "ワークスペースを作る"),
    (
        "Measure KPIs for org units and periods",
        "組織と対象期間ごとにKPIを測定する",
    ),
    (
        "KPIs by number or code [default: those that the programme adopts]",
        "KPIの番号またはコード [既定: プログラムで採用したもの]",
    ),
    (
        "Org units [default: the root of the tree]",
        "組織 [既定: 組織図の頂点]",
    ),
    ("Every org unit of the tree", "組織図のすべての組織"),
    (
        "The period: 2026-09, FY2026-Q2, FY2026-H1, FY2026 or 2026-09-YTD [default: last month]",
        "対象期間: 2026-09、FY2026-Q2、FY2026-H1、FY2026、2026-09-YTD [既定: 先月]",
    ),
    ("The first of a run of periods", "連続する対象期間の最初"),
    ("The last of the run", "連続する対象期間の最後"),
    (
        "Show the values of so many periods until this one: as reported where a period was closed [default: 6]",
        "この対象期間までの推移を指定した期数分示す。締めた期間は報告値 [既定: 6]",
    ),
    ("How to print the figures", "数値の形式"),
    (
        "Show companions in the table too; JSON and CSV always hold them",
        "表に補助指標も示す(JSONとCSVには常に含まれる)",
    ),
    (
        "Find, export or erase one person; the log of what was done about people",
        "一人の人を探す、書き出す、消去する。また、その操作の記録を示す",
    ),
    (
        "Find a person's token and the records that carry it",
        "ある人のトークンと、それを含むレコードを探す",
    ),
    (
        "Write every row of one person, for a request of the data subject",
        "本人からの請求に備え、一人の人の行をすべて書き出す",
    ),
    (
        "How to print the rows: json or csv",
        "行の形式(json または csv)",
    ),
    (
        "Forget one person: raw files that hold the person are taken away; no figure changes",
        "一人の人を消去する。本人を含む生データを除去し、数値は変わらない",
    ),
    (
        "List what was done about people, by whom and why",
        "人に関する操作を、実行者と理由とともに一覧する",
    ),
    (
        "The name, staff number or address, or a part of it",
        "氏名、社員番号、メールアドレスの全体または一部",
    ),
    ("The token that stands for the person", "本人を表すトークン"),
    (
        "Why; it is logged with who did it",
        "理由(実行者とともに記録する)",
    ),
    (
        "List rejected rows, refused files, values left unknown and days of plans that were kept, with place and reason",
        "取込エラー行、読み取れなかったファイル、不明のままの値、維持した計画の日付を、位置と理由とともに一覧する",
    ),
    ("Only those of this source", "この取得元だけ"),
    (
        "Open a closed period again, to restate it",
        "訂正のため、対象期間の締めを解除する",
    ),
    ("The period", "対象期間"),
    ("Why", "理由"),
    (
        "List sources with what they brought last",
        "取得元を、最後に取り込んだ内容とともに一覧する",
    ),
    (
        "Query the journal: one table per dataset with its entries, and `batches`",
        "証跡台帳にSQLで問い合わせる。データ種別ごとの記帳の表と `batches` がある",
    ),
    (
        "A query reads and changes nothing. People stand in the tables as random tokens. Unless you are named in `[people] shown_to` of `keiki.toml`, datasets whose rows are about people are not there, nor are columns that name people in others, so that no query counts few people. This guards what Keiki prints, not the files: who can read the journal's folder can read its tables with other tools.",
        "証跡台帳にSQLで問い合わせる。データ種別ごとの記帳の表と `batches` がある\n\n問い合わせは読むだけで、何も変えない。表の中の人は乱数のトークンで示す。`keiki.toml` の `[people] shown_to` に挙げた利用者でなければ、1行が1人に関するデータ種別の表はなく、ほかの表でも人を示す列はない。少人数を数える問い合わせはできない。守るのはKeikiの出力であってファイルではない。証跡台帳のフォルダを読める人は、表をほかの道具でも読める。",
    ),
    ("The query", "問い合わせ"),
    ("How to print the rows", "行の形式"),
    (
        "Show what was closed: as reported, as restated, and what differs",
        "締めた報告書を示す。報告値、訂正値、その違い",
    ),
    (
        "The period [default: list all that was closed]",
        "対象期間 [既定: 締めたものをすべて一覧する]",
    ),
    (
        "The revision, or `now` for today's figures [default: the last]",
        "版。現時点値は `now` [既定: 最新の版]",
    ),
    (
        "What differs in another revision, or `now`, and what moved it",
        "別の版または `now` との違いと、その原因",
    ),
    (
        "Org units [default: the root of the tree; every one in JSON and CSV]",
        "組織 [既定: 組織図の頂点。JSONとCSVではすべて]",
    ),
    (
        "File figures of the time before Keiki as revision 0, from a CSV file",
        "Keiki導入前の数値をCSVファイルから第0版として収める",
    ),
    ("Check that the books balance", "帳簿に矛盾がないか照合する"),
    (
        "A unit with its departments, without the entities below it",
        "組織単体(部門を含み、配下の会社を含まない)",
    ),
    (
        "Along this hierarchy, a file of the folder hierarchies [default: the org tree]",
        "この階層(フォルダ hierarchies のファイル)に沿って集計する [既定: 組織図]",
    ),
    (
        "On the org tree of this day, for comparatives on one structure [default: each period's last day]",
        "この日の組織図で集計する(同じ組織構成での比較用) [既定: 各対象期間の末日]",
    ),
    (
        "List records that were found to be one, identifiers that decide nothing, and values in which sources differ; take a merge back",
        "同一と判定されたレコード、決め手にならない識別子、取得元の間で異なる値を一覧する。統合を取り消す",
    ),
    (
        "Take a merge back: the record stands for itself again, from its first day on",
        "統合を取り消し、最初の日から別のレコードに戻す",
    ),
    (
        "Make a record one with another, because you know that they are",
        "同一と分かっているレコードを、ほかのレコードに統合する",
    ),
    ("The dataset", "データ種別"),
    (
        "A source whose rows are about this record [default: those that did not speak of the other before]",
        "このレコードについての行を持つ取得元 [既定: 統合先について述べていなかった取得元]",
    ),
    ("The record that it is", "統合先のレコード"),
    (
        "The record by its key that was made from an identifier, as the list shows it: seen:…",
        "識別子から作ったキー(seen:…)で示すレコード。一覧に表示される",
    ),
    ("Only those of this dataset", "このデータ種別だけ"),
    (
        "Read this file in the place of the source's own, by its mapping: rows that were mended, say",
        "取得元のファイルの代わりに、このファイルを同じ対応付けで読む(修正した行など)",
    ),
    (
        "Only rejected rows that no later batch has mended or replaced",
        "後の取込で修正も置換もされていない取込エラー行だけ",
    ),
    (
        "With CSV and JSON: the original cells of datasets that name people too",
        "CSVとJSONで、個人情報を含むデータ種別の元のセルも出力する",
    ),
    (
        "List for each org unit and dataset when evidence last came, what is overdue, and which KPIs that leaves without data",
        "組織とデータ種別ごとに、最後の証跡の到着日、遅延、そのためデータのないKPIを一覧する",
    ),
    (
        "Only what this org unit and those below it owe",
        "この組織と配下の組織が提出すべきものだけ",
    ),
    (
        "Only what is overdue or never came",
        "遅延しているものと、一度も届いていないものだけ",
    ),
    (
        "List the records whose retirement waits for a person, with the command that confirms it",
        "終了を保留しているレコードを、承認するコマンドとともに一覧する",
    ),
    (
        "List the texts in the place of org units that nobody knows, which need an alias",
        "組織として解決できない、別名の登録が必要な表記を一覧する",
    ),
    (
        "Collect evidence by workbook: make the forms, take them back, see what is missing",
        "ワークブックで証跡を収集する。様式の作成、回収、未提出の確認",
    ),
    (
        "Look into returned workbooks without taking anything in",
        "提出されたワークブックを、取り込まずに点検する",
    ),
    (
        "Workbooks [default: those in evidence/collected]",
        "ワークブック [既定: evidence/collected にあるもの]",
    ),
    (
        "Write a copy with every problem marked in its cell",
        "問題のあるセルすべてに印を付けた写しを書き出す",
    ),
    (
        "Write a workbook for each org unit with what it owes for a period",
        "対象期間に提出すべき内容のワークブックを、組織ごとに書き出す",
    ),
    ("Org units", "組織"),
    (
        "Every entity below them too, a workbook each",
        "配下の会社も含め、会社ごとにワークブックを作る",
    ),
    (
        "Datasets [default: those that are owed and that no source sends]",
        "データ種別 [既定: 提出が必要で、どの取得元からも届かないもの]",
    ),
    (
        "KPIs to be reported as totals [default: those that were, in the last twelve periods]",
        "集計値で報告するKPI [既定: 過去12期間に集計値で報告されたもの]",
    ),
    (
        "The day by which the workbooks are to be back: a date, or \"business day 5\" after the period's end",
        "ワークブックの提出期限。日付、または \"business day 5\"(対象期間の終了後5営業日目)",
    ),
    (
        "The folder for the workbooks [default: forms/PERIOD in the workspace]",
        "ワークブックを置くフォルダ [既定: ワークスペースの forms/対象期間]",
    ),
    (
        "Take returned workbooks in",
        "提出されたワークブックを取り込む",
    ),
    (
        "Workbooks [default: the new ones in evidence/collected]",
        "ワークブック [既定: evidence/collected にある新しいもの]",
    ),
    (
        "List what was sent to whom, what came back, and what is missing",
        "誰に何を送り、何が提出され、何が未提出かを一覧する",
    ),
    ("Org units [default: all]", "組織 [既定: すべて]"),
    (
        "Take evidence in: of all sources, of the sources named, of files into a dataset, or of collection workbooks",
        "証跡を取り込む。すべての取得元、指定した取得元、データ種別へのファイル、または収集ワークブック",
    ),
    (
        "Sources [default: all, and new workbooks in evidence/collected], or workbooks; with --dataset: files",
        "取得元 [既定: すべてと、evidence/collected にある新しいワークブック]、またはワークブック。--dataset を付けるとファイル",
    ),
    (
        "Read the sources that are due by their schedule",
        "予定の時刻になった取得元を読む",
    ),
    (
        "List sources with what they brought last, or try one",
        "取得元を、最後に取り込んだ内容とともに一覧する。または一つの取得元を試す",
    ),
    (
        "Read a few rows of a source and show what would become of them; nothing is journalled",
        "取得元の行をいくつか読み、取り込むとどうなるかを示す。記帳はしない",
    ),
    ("The source", "取得元"),
    ("How to print what was read", "読み取った内容の形式"),
    (
        "How to give the figures; all but `table`, `json` and `csv` write a file",
        "数値の形式。`table`・`json`・`csv` 以外はファイルに書き出す",
    ),
    (
        "The file of an edition [default: statement-PERIOD.pdf and so on]",
        "書き出すファイル [既定: statement-対象期間.pdf など]",
    ),
    ("An Excel workbook", "Excelブック"),
    (
        "What the PDF and HTML editions hold",
        "PDFとHTMLに載せる内容",
    ),
    (
        "A document for the board or for reference",
        "取締役会または参照用の文書",
    ),
    ("A page in one file", "1ファイルのページ"),
    ("A table with types, for analysis", "分析用の型付きの表"),
    (
        "OSCAL assessment results, in JSON",
        "OSCALのassessment results(JSON)",
    ),
    (
        "For the board: ten figures first, then each group's KPIs",
        "取締役会用。まず10個までの数字、次に分類ごとの指標",
    ),
    (
        "Every KPI with definition, filled-in formula and reading note",
        "全指標。定義、数字を入れた算式、読み方を含む",
    ),
    (
        "Why figures missed their targets, what is done about it, and what the board asked for",
        "差異の原因、対応、取締役会の指示を記録し、完了まで追う",
    ),
    (
        "Print the SQL of each part, for any engine that reads the journal's tables",
        "証跡台帳の表を読める任意のエンジンで実行できるよう、内訳ごとのSQLを表示する",
    ),
    (
        "List what waits for an explanation, what was explained, and what is to be done",
        "説明待ちの差異、説明済みの差異、対応を一覧する",
    ),
    (
        "The figures of this period too, and what its statement carries",
        "この期間の数値と、報告書に載る内容を示す",
    ),
    ("Everything that was ever said", "過去の記録もすべて示す"),
    (
        "How to print the list; CSV can be filled in and imported",
        "一覧の形式。CSVは記入して取り込める",
    ),
    (
        "Say why a figure is what it is, and what is done about it",
        "数値の差異の原因と対応を記録する",
    ),
    ("The cause", "原因"),
    ("What is done about it", "対応の内容"),
    ("Who sees to it", "担当者"),
    ("By when it is due", "期限"),
    ("Note what the board asked for", "取締役会の指示を記録する"),
    ("What it asked for", "指示の内容"),
    (
        "The period whose statement lay before the board",
        "取締役会に報告した期間",
    ),
    (
        "Note how far an action is, who sees to it now, or by when",
        "対応の進捗、担当者、期限の変更を記録する",
    ),
    ("The number of the action", "対応の番号"),
    ("What happened", "記録する内容"),
    (
        "Open an action again that had ended",
        "終わった対応を再開する",
    ),
    ("Note that an action is done", "対応の完了を記録する"),
    ("Give an action up", "対応を取り下げる"),
    (
        "Take in a CSV file that `list --format csv` wrote and somebody filled in",
        "`list --format csv` で書き出し、記入したCSVファイルを取り込む",
    ),
    ("The file", "ファイル"),
    (
        "Only tell how far the close is: its days, who has certified, what stands in the way",
        "締めの進み具合(日程、確認状況、妨げるもの)だけを示す",
    ),
    (
        "Put the figures before those who certify them; nothing is closed yet",
        "仮締めする。数値を確認責任者に示し、まだ締めない",
    ),
    ("What kind of cause it has", "原因の区分"),
    (
        "Open it although what differs is below the workspace's threshold",
        "差異が重要性の基準未満でも締めを解除する",
    ),
    (
        "Stand by a company's figures of a period, as the person who answers for them",
        "会社の数値を、確認責任者として確認する",
    ),
    ("The company", "会社"),
    (
        "Lead from a figure as reported to the same figure as restated: by evidence, definitions and org tree, with causes",
        "報告値から訂正値までの差を、証跡・定義等・組織に分け、原因とともに示す",
    ),
    (
        "From this revision, or `now` [default: the first that Keiki closed]",
        "起点の版、または now [既定: 最初に締めた版]",
    ),
    (
        "To this revision, or `now` for what is known today",
        "終点の版、または now(現時点値)",
    ),
    (
        "Only this KPI, by number or code",
        "このKPIだけ(番号またはコード)",
    ),
    (
        "The org unit [default: the root of the tree]",
        "組織 [既定: 組織図の最上位]",
    ),
    (
        "The records that moved the KPI: when each became known, and in which batch",
        "KPIを動かしたレコードを、認識時点と取込とともに示す",
    ),
    ("Companions too", "補助指標も示す"),
    (
        "Keys that sign statements (Ed25519)",
        "報告書に署名する鍵(Ed25519)",
    ),
    (
        "Make a key in the workspace's state, which only you can read, and print its public part",
        "本人だけが読める鍵を作り、公開鍵を表示する",
    ),
    ("Its name", "名前"),
    (
        "Print the public parts of the workspace's keys",
        "公開鍵を表示する",
    ),
    ("Only this key", "この鍵だけ"),
    (
        "Sign a closed statement, have it time-stamped, hand it on as a bundle",
        "締めた報告書に署名し、タイムスタンプを付け、検証用ファイルにまとめる",
    ),
    ("Sign it", "署名する"),
    ("The revision [default: the last]", "版 [既定: 最新の版]"),
    (
        "The key: its name in the workspace, or its file",
        "鍵の名前、または鍵のファイル",
    ),
    (
        "Write the request that a time-stamping authority answers (RFC 3161)",
        "時刻認証局への要求(RFC 3161)を書き出す",
    ),
    ("The file of the request", "要求のファイル"),
    (
        "Keep the authority's answer, if it fits",
        "時刻認証局の回答を検証して収める",
    ),
    ("The file of the answer", "回答のファイル"),
    (
        "The certificate of the authority's root, as PEM",
        "時刻認証局のルート証明書(PEM)",
    ),
    (
        "Write a zip file that verifies without the workspace: statement, chain, definitions, seals",
        "ワークスペースなしで検証できるzipファイル(報告書、連鎖、定義、署名等)を書き出す",
    ),
    ("The zip file", "zipファイル"),
    (
        "Check that the books balance, and that every closed statement is what it was",
        "証跡台帳に矛盾がなく、締めた報告書が変わっていないことを検証する",
    ),
    (
        "Check a bundle instead, with no workspace and no network",
        "検証用ファイルを、ワークスペースもネットワークも使わずに検証する",
    ),
    (
        "The public key of who signed the bundle, as PEM",
        "署名者の公開鍵(PEM)",
    ),
    (
        "The root certificate that time stamps in the bundle are to lead to, as PEM",
        "タイムスタンプを検証するルート証明書(PEM)",
    ),
    (
        "Write the audit pack of a figure: a reproducible sample of its records with raw rows, who prepared and approved, the definition",
        "数値の監査資料(再現できる標本と生データの行、作成者と承認者、定義とその変更履歴)を書き出す",
    ),
    ("How many records", "レコードの件数"),
    (
        "What the drawing depends on [default: the names of the figure]",
        "抽出のシード [既定: 数値の名前]",
    ),
    (
        "Raw rows of evidence that names people too",
        "個人名を含む証跡の生データの行も含める",
    ),
    (
        "The folder or zip file that is written",
        "書き出すフォルダまたはzipファイル",
    ),
    ("A closed statement", "締めた報告書"),
    (
        "Close eleven months too, restate two of them, and sign (takes minutes)",
        "11か月を締めて署名し、うち2か月を訂正する(数分かかる)",
    ),
    ("Serve nothing afterwards", "作成後に画面を公開しない"),
];
