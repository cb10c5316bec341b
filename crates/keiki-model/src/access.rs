//! Who may do what: roles, the org units for which somebody holds one, and the rights that a role gives.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// What somebody is to the programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads how things stand.
    Executive,
    /// Runs the programme.
    ProgrammeOffice,
    /// Sends evidence and answers for it.
    DataOwner,
    /// Agrees to what others ask for.
    Approver,
    /// Reads everything and changes nothing.
    Auditor,
    /// Keeps accounts and roles; sees no figure by that.
    Administrator,
    /// Reads the columns that name people, beside another role.
    PersonalReader,
}

impl Role {
    /// Every role with its word in data.
    pub const ALL: [(&'static str, Self); 7] = [
        ("executive", Self::Executive),
        ("programme_office", Self::ProgrammeOffice),
        ("data_owner", Self::DataOwner),
        ("approver", Self::Approver),
        ("auditor", Self::Auditor),
        ("administrator", Self::Administrator),
        ("personal_reader", Self::PersonalReader),
    ];

    /// The role of a word in data.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(known, _)| *known == code).map(|(_, role)| role)
    }

    /// The word in data.
    #[must_use]
    pub fn code(self) -> &'static str {
        let mut all = Self::ALL.into_iter();
        all.find(|(_, role)| *role == self)
            .map_or("", |(code, _)| code)
    }

    /// The word on screen.
    #[must_use]
    pub fn title(self) -> Text {
        match self {
            Self::Executive => Text::new("経営層", "Executive"),
            Self::ProgrammeOffice => Text::new("プログラム室", "Programme office"),
            Self::DataOwner => Text::new("データ責任者", "Data owner"),
            Self::Approver => Text::new("承認者", "Approver"),
            Self::Auditor => Text::new("監査人", "Auditor"),
            Self::Administrator => Text::new("管理者", "Administrator"),
            Self::PersonalReader => Text::new("個人情報の閲覧", "Reader of personal data"),
        }
    }

    /// What it lets somebody do. *Source*: decision 0044.
    #[must_use]
    pub fn rights(self) -> &'static [Right] {
        match self {
            Self::Executive => &[Right::See],
            Self::ProgrammeOffice => &[
                Right::See,
                Right::SeeEvidence,
                Right::Submit,
                Right::Explain,
                Right::Certify,
                Right::Close,
                Right::Define,
            ],
            Self::DataOwner => &[
                Right::See,
                Right::SeeEvidence,
                Right::Submit,
                Right::Explain,
                Right::Certify,
            ],
            Self::Approver => &[Right::See, Right::SeeEvidence, Right::Approve],
            Self::Auditor => &[Right::See, Right::SeeEvidence, Right::Audit],
            Self::Administrator => &[Right::Administer, Right::Audit],
            Self::PersonalReader => &[Right::SeePersonal],
        }
    }
}

/// Something that somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// See figures and the records that they are made of.
    See,
    /// See sources, batches, rejected rows and raw files.
    SeeEvidence,
    /// See the columns that name people.
    SeePersonal,
    /// Send evidence.
    Submit,
    /// Say why a figure is what it is.
    Explain,
    /// Stand by a company's figures.
    Certify,
    /// Close a period and open it again.
    Close,
    /// Change the programme and the org tree.
    Define,
    /// Agree to what somebody else asks for.
    Approve,
    /// Read who did what.
    Audit,
    /// Keep accounts and roles.
    Administer,
}

impl Right {
    /// Every right with its word in data.
    pub const ALL: [(&'static str, Self); 11] = [
        ("see", Self::See),
        ("see_evidence", Self::SeeEvidence),
        ("see_personal", Self::SeePersonal),
        ("submit", Self::Submit),
        ("explain", Self::Explain),
        ("certify", Self::Certify),
        ("close", Self::Close),
        ("define", Self::Define),
        ("approve", Self::Approve),
        ("audit", Self::Audit),
        ("administer", Self::Administer),
    ];

    /// The right of a word in data.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(known, _)| *known == code)
            .map(|(_, right)| right)
    }

    /// The word in data.
    #[must_use]
    pub fn code(self) -> &'static str {
        let mut all = Self::ALL.into_iter();
        all.find(|(_, right)| *right == self)
            .map_or("", |(code, _)| code)
    }

    /// The words on screen.
    #[must_use]
    pub fn title(self) -> Text {
        match self {
            Self::See => Text::new("測定結果とレコードの閲覧", "See figures and their records"),
            Self::SeeEvidence => Text::new("証跡の閲覧", "See evidence"),
            Self::SeePersonal => Text::new("個人情報の閲覧", "See personal data"),
            Self::Submit => Text::new("証跡の提出", "Submit evidence"),
            Self::Explain => Text::new("説明の記入", "Explain figures"),
            Self::Certify => Text::new("測定結果の確認", "Certify figures"),
            Self::Close => Text::new("締めと締め解除", "Close and reopen"),
            Self::Define => Text::new(
                "プログラムと組織の変更",
                "Change the programme and the org tree",
            ),
            Self::Approve => Text::new("申請の承認", "Approve requests"),
            Self::Audit => Text::new("操作記録の閲覧", "Read the log"),
            Self::Administer => Text::new("利用者の管理", "Keep accounts"),
        }
    }
}

/// A role held for an org unit and all below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// The org unit, by id.
    pub org_unit: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_and_right_has_a_word_and_comes_back_from_it() {
        for (code, role) in Role::ALL {
            assert_eq!(Role::from_code(code), Some(role));
            assert_eq!(role.code(), code);
        }
        for (code, right) in Right::ALL {
            assert_eq!(Right::from_code(code), Some(right));
            assert_eq!(right.code(), code);
        }
    }

    #[test]
    fn an_administrator_sees_no_figure() {
        assert!(!Role::Administrator.rights().contains(&Right::See));
    }
}
