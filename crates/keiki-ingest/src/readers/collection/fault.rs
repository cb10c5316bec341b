//! Why a file is no collection workbook that can be used, in the words of users.

use keiki_model::collection::SignatureFault;
use keiki_model::text::Text;

/// Says why a file is no workbook that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormFault {
    /// It is not a workbook, or is damaged.
    #[error("{file}: cannot be read as an Excel workbook: {detail}")]
    Unreadable {
        /// The file as the user knows it.
        file: String,
        /// Why, in English, from the reader.
        detail: String,
    },
    /// It is larger than a limit.
    #[error("{file}: larger than a form can be")]
    TooLarge {
        /// The file as the user knows it.
        file: String,
    },
    /// It carries no signature.
    #[error("{file}: not a collection workbook: it carries no signature")]
    NotAForm {
        /// The file as the user knows it.
        file: String,
    },
    /// Its signature does not hold.
    #[error("{file}: {fault}")]
    Signature {
        /// The file as the user knows it.
        file: String,
        /// Why.
        #[source]
        fault: SignatureFault,
    },
}

impl FormFault {
    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> Text {
        let ja = match self {
            // The reader says why in English alone.
            Self::Unreadable { file, .. } => format!("{file}: Excelブックとして読めません"),
            Self::TooLarge { file } => format!("{file}: 様式としては大きすぎます"),
            Self::NotAForm { file } => {
                format!("{file}: 収集票ではありません(様式の署名がありません)")
            }
            Self::Signature { file, fault } => match fault {
                SignatureFault::Newer(version) => {
                    format!("{file}: 新しい版の様式です: {version}")
                }
                SignatureFault::Changed | SignatureFault::Unreadable => {
                    format!("{file}: 様式の署名が作成時と一致しません")
                }
            },
        };
        Text::new(ja, self.to_string())
    }

    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> Text {
        match self {
            Self::Unreadable { .. } => Text::new(
                "Excelで開いて「Excelブック(.xlsx)」として保存し直してください",
                "open it in Excel and save it as an Excel workbook (.xlsx)",
            ),
            Self::TooLarge { .. } => Text::new(
                "別のファイルでないか確かめてください",
                "see whether it is another file",
            ),
            Self::NotAForm { .. } => Text::new(
                "収集票のシートを別のブックへ写した場合は、元の収集票に記入してください。ほかのExcelファイルは --dataset で取り込みます",
                "fill in the workbook that was sent, not a copy of its sheets; other Excel files are ingested with --dataset",
            ),
            Self::Signature {
                fault: SignatureFault::Newer(_),
                ..
            } => Text::new("Keikiを更新してください", "update Keiki"),
            Self::Signature { .. } => Text::new(
                "`keiki collect export` で様式を作成し直してください",
                "make the form again with `keiki collect export`",
            ),
        }
    }
}
