//! What can go wrong while evidence is fetched from a live system.

use keiki_model::text::{Text, Wording};

use crate::limits::Quantity;

/// Says why nothing could be fetched. The texts of systems are in it as they were, without secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A secret that the definition refers to is not there.
    #[error("the secret is not there: {reference}: {}", detail.en)]
    Secret {
        /// The reference, as the definition has it.
        reference: String,
        /// Why.
        detail: Box<Text>,
    },
    /// The system cannot be reached.
    #[error("{system}: cannot be reached: {}", detail.en)]
    Unreachable {
        /// The system.
        system: String,
        /// Why.
        detail: Box<Text>,
    },
    /// The system was reached and says no.
    #[error("{system}: refused: {}", detail.en)]
    Refused {
        /// The system.
        system: String,
        /// What it says.
        detail: Box<Text>,
    },
    /// The answer is not what was asked for.
    #[error("{system}: not usable: {}", detail.en)]
    Unusable {
        /// The system.
        system: String,
        /// Why.
        detail: Box<Text>,
    },
    /// A value cannot be written as text.
    #[error("{system}: column {column} is of a type that is not taken: {found}")]
    Type {
        /// The system.
        system: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
    },
    /// More came than the limit.
    #[error("{system}: more than the limit of {}", what.amount(*limit).en)]
    Limit {
        /// The system.
        system: String,
        /// What is limited.
        what: Quantity,
        /// The limit.
        limit: u64,
    },
    /// The system sends elsewhere.
    #[error("{system}: sends elsewhere: {target}")]
    Elsewhere {
        /// The system.
        system: String,
        /// Where to.
        target: String,
    },
    /// The address lies in a network into which the source may not reach.
    #[error("{system}: the address is not a public one: {address}")]
    Address {
        /// The system.
        system: String,
        /// The address.
        address: String,
    },
    /// This program was built without the connector's client.
    #[error("{system}: this program was built without the feature {feature}")]
    Absent {
        /// The system.
        system: String,
        /// The feature.
        feature: &'static str,
    },
    /// The command failed.
    #[error("{program}: {}{}", detail.en, shown(stderr))]
    Command {
        /// The program.
        program: String,
        /// How it ended.
        detail: Box<Text>,
        /// The last lines of its standard error.
        stderr: String,
    },
    /// A file could not be written or read.
    #[error("{file}: {source}")]
    File {
        /// The file.
        file: String,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
}

fn shown(stderr: &str) -> String {
    if stderr.is_empty() {
        String::new()
    } else {
        format!("\n  {}", stderr.replace('\n', "\n  "))
    }
}

impl FetchError {
    pub(crate) fn unreachable(system: &str, detail: impl Wording) -> Self {
        Self::Unreachable {
            system: system.to_owned(),
            detail: Box::new(detail.into_text()),
        }
    }

    pub(crate) fn refused(system: &str, detail: impl Wording) -> Self {
        Self::Refused {
            system: system.to_owned(),
            detail: Box::new(detail.into_text()),
        }
    }

    pub(crate) fn unusable(system: &str, detail: impl Wording) -> Self {
        Self::Unusable {
            system: system.to_owned(),
            detail: Box::new(detail.into_text()),
        }
    }

    pub(crate) fn limit(system: &str, what: Quantity, limit: u64) -> Self {
        Self::Limit {
            system: system.to_owned(),
            what,
            limit,
        }
    }

    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + use<'_> {
        move |source| Self::File {
            file: path.display().to_string(),
            source,
        }
    }

    /// The error with every text that came from outside changed.
    pub(crate) fn map(self, change: impl Fn(String) -> String) -> Self {
        match self {
            Self::Unreachable { system, detail } => Self::Unreachable {
                system,
                detail: Box::new(Text::new(change(detail.ja), change(detail.en))),
            },
            Self::Refused { system, detail } => Self::Refused {
                system,
                detail: Box::new(Text::new(change(detail.ja), change(detail.en))),
            },
            Self::Unusable { system, detail } => Self::Unusable {
                system,
                detail: Box::new(Text::new(change(detail.ja), change(detail.en))),
            },
            Self::Elsewhere { system, target } => Self::Elsewhere {
                system,
                target: change(target),
            },
            Self::Command {
                program,
                detail,
                stderr,
            } => Self::Command {
                program,
                detail: Box::new(Text::new(change(detail.ja), change(detail.en))),
                stderr: change(stderr),
            },
            other => other,
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> Text {
        let ja = match self {
            Self::Secret { reference, detail } => {
                format!("秘密情報を参照できません: {reference}: {}", detail.ja)
            }
            Self::Unreachable { system, detail } => {
                format!("{system}: 接続できません: {}", detail.ja)
            }
            Self::Refused { system, detail } => format!("{system}: 拒否されました: {}", detail.ja),
            Self::Unusable { system, detail } => {
                format!("{system}: 利用できません: {}", detail.ja)
            }
            Self::Type {
                system,
                column,
                found,
            } => format!("{system}: 列 {column} の型は取り込めません: {found}"),
            Self::Limit {
                system,
                what,
                limit,
            } => format!("{system}: 上限({})を超えました", what.amount(*limit).ja),
            Self::Elsewhere { system, target } => {
                format!("{system}: 別のサーバーへ転送されました: {target}")
            }
            Self::Address { system, address } => {
                format!("{system}: 公開されたアドレスではありません: {address}")
            }
            Self::Absent { system, feature } => {
                format!("{system}: このプログラムは機能 {feature} なしでビルドされています")
            }
            Self::Command {
                program,
                detail,
                stderr,
            } => format!("{program}: {}{}", detail.ja, shown(stderr)),
            Self::File { file, source } => format!("{file}: {source}"),
        };
        Text::new(ja, self.to_string())
    }

    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> Text {
        match self {
            Self::Secret { .. } => Text::new(
                "環境変数を設定するか、参照先のファイルを置いてください",
                "set the environment variable, or put the file where the source refers to it",
            ),
            Self::Unreachable { .. } => Text::new(
                "アドレス・ネットワーク・証明書を確かめてください。次回の `keiki ingest --due` で再試行します",
                "check the address, the network and the certificate; `keiki ingest --due` tries again",
            ),
            Self::Refused { .. } => Text::new(
                "アカウントの権限、秘密情報、[fetch] の内容を確かめてください",
                "check the account's rights, the secret, and what [fetch] asks for",
            ),
            Self::Unusable { .. } => Text::new(
                "[fetch] と `format.records` を確かめてください",
                "check [fetch] and `format.records`",
            ),
            Self::Type { .. } => Text::new(
                "クエリーでその列を除くか、文字列に変換してください",
                "leave the column out of the query, or convert it to text there",
            ),
            Self::Limit { .. } => Text::new(
                "条件を絞るか、incremental で差分だけを取得してください",
                "narrow what is asked for, or read what is new with `incremental`",
            ),
            Self::Elsewhere { .. } => Text::new(
                "転送先が正しければ、そのアドレスを url に書いてください",
                "if that is the right place, write its address into `url`",
            ),
            Self::Address { .. } => Text::new(
                "社内のシステムであれば、[fetch] に network = \"internal\" と書いてください",
                "for a system of your own network, write network = \"internal\" in [fetch]",
            ),
            Self::Absent { .. } => Text::new(
                "既定の機能のままビルドし直してください(`--no-default-features` なし)",
                "build it with its default features",
            ),
            Self::Command { .. } => Text::new(
                "同じコマンドを手で実行し、標準エラー出力を確かめてください",
                "run the command by hand and read its standard error",
            ),
            Self::File { .. } => Text::new(
                "パスと権限を確かめてください",
                "check the path and its permissions",
            ),
        }
    }
}
