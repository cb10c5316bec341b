//! The texts of the commands around the web pages: the server, accounts, tokens, links, reminders, backups.

/// English and Japanese.
pub(super) const TEXTS: &[(&str, &str)] = &[
    ("Serve the web pages", "ウェブ画面を提供する"),
    (
        "The workspace [default: as with --workspace]",
        "ワークスペース [既定: --workspace と同じ]",
    ),
    (
        "Where to listen; other computers are served by TLS or behind a proxy only",
        "待ち受けるアドレス。他のコンピュータにはTLSかプロキシ経由でのみ提供する",
    ),
    (
        "The certificate and those above it, as PEM",
        "証明書とその上位の証明書(PEM)",
    ),
    ("The certificate's key, as PEM", "証明書の秘密鍵(PEM)"),
    (
        "So many proxies stand before it, and the outermost speaks TLS",
        "前段にあるプロキシの数。最も外側のものがTLSを終端する",
    ),
    (
        "Whether the server reads sources when their schedules say so, or leaves them to `keiki ingest --due`",
        "スケジュールのある取得元を、サーバーが取り込むか(read)、`keiki ingest --due` に任せるか(leave)",
    ),
    ("The server reads them", "サーバーが取り込む"),
    ("It leaves them", "サーバーは取り込まない"),
    (
        "Keep the accounts of the web pages",
        "ウェブ画面の利用者を管理する",
    ),
    (
        "Make an account, and a link by which its owner sets a password",
        "利用者を登録し、本人がパスワードを設定するリンクを発行する",
    ),
    ("The name with which to sign in", "サインインに使う利用者名"),
    (
        "The name that others read [default: the same]",
        "表示名 [既定: 利用者名と同じ]",
    ),
    (
        "A role, for an org unit and all below it [default org unit: the root of the tree]",
        "役割。組織とその配下すべてに及ぶ [組織の既定: 組織図の頂点]",
    ),
    ("List the accounts", "利用者を一覧する"),
    (
        "Put roles in the place of those that an account has",
        "利用者の役割を置き換える",
    ),
    ("The account", "利用者名"),
    (
        "Let an account sign in no longer, and end what it has open",
        "利用者を停止し、開いているセッションを終わらせる",
    ),
    ("Let an account sign in again", "停止した利用者を再開する"),
    (
        "Make a link by which an account's owner sets a new password",
        "本人が新しいパスワードを設定するリンクを発行する",
    ),
    (
        "Keep the tokens with which programs use the server",
        "プログラムがサーバーを利用するためのトークンを管理する",
    ),
    (
        "Make a token of an account; it is printed this once",
        "利用者のトークンを発行する。表示は一度限り",
    ),
    (
        "The account for which it acts",
        "トークンが代理する利用者名",
    ),
    ("What it is for", "用途"),
    (
        "What may be done with it, of what its account may do",
        "トークンで行える操作。利用者の権限の範囲に限られる",
    ),
    (
        "For how many days it holds, 366 at most",
        "有効日数。最大366日",
    ),
    (
        "List the tokens that have not ended",
        "有効なトークンを一覧する",
    ),
    ("Take a token away", "トークンを取り消す"),
    (
        "Keep the links by which somebody without an account sends one file",
        "アカウントのない人がファイルを一つ提出するためのリンクを管理する",
    ),
    (
        "Make a link; it is printed this once",
        "リンクを作成する。表示は一度限り",
    ),
    ("For whom it is", "リンクを渡す相手"),
    (
        "The org unit for which they speak",
        "相手が代わって提出する組織",
    ),
    (
        "What the file is read as: workbook, dataset:NAME or source:NAME",
        "ファイルの読み取り方。workbook(収集票)、dataset:名前 または source:名前",
    ),
    ("The period that the file is about", "ファイルの対象期間"),
    (
        "For how many days it holds, 60 at most",
        "有効日数(60日まで)",
    ),
    (
        "List the links, the latest first",
        "リンクを新しい順に一覧する",
    ),
    ("Take a link back", "リンクを取り消す"),
    ("Its id, from the list", "一覧に示されたID"),
    (
        "Set the address of mail at which an account's owner is told; without one they are told nothing",
        "利用者への連絡先メールアドレスを設定する。なければ何も送らない",
    ),
    (
        "The address; none takes it away",
        "メールアドレス。省略すると削除する",
    ),
    (
        "Tell people and other systems what is new for them, by mail and webhooks, nothing twice",
        "関係者や外部システムに、新しいお知らせをメールとWebhookで一度だけ送る",
    ),
    (
        "List what would be sent, and send nothing",
        "送る予定の内容を一覧し、送信しない",
    ),
    (
        "Copy the workspace with its books, all of one moment, into a new folder",
        "ワークスペースと台帳・データベースを、同じ時点のまま新しいフォルダに控える",
    ),
    ("The new folder", "新しいフォルダ"),
    (
        "Leave the operational database to the tools of its server",
        "データベースは含めない(サーバーの機能で控える場合)",
    ),
    (
        "Put a backup into a new folder, if it is what it was",
        "控えが作成時のままであることを確かめ、新しいフォルダに戻す",
    ),
    ("The backup's folder", "控えのフォルダ"),
    (
        "The new folder for the workspace",
        "ワークスペースを戻す新しいフォルダ",
    ),
    (
        "Where the journal goes: a folder within the new one, or the address of an empty place on an object store",
        "証跡台帳の置き場所。新しいフォルダの中のパス、またはオブジェクトストレージの空の場所のURL",
    ),
];
