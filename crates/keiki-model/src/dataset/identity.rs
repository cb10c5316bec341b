//! By what two rows are known to be about the same thing, where tools do not give its key.

use crate::document::{Located, Node};
use crate::problem::Problem;
use crate::text::Text;
use crate::text::plain;

use super::{Column, ColumnType, Dataset, DatasetKind};

/// How an identifier's text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityForm {
    /// As a text, whatever its case, width and spaces.
    Text,
    /// As a hardware address, whatever its separators; all zeros and all ones identify nothing.
    Mac,
    /// As a host name: its first label; what follows it is its domain.
    Host,
}

const FORMS: [(&str, IdentityForm); 3] = [
    ("text", IdentityForm::Text),
    ("mac", IdentityForm::Mac),
    ("host", IdentityForm::Host),
];

/// How long an identifier belongs to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityValidity {
    /// For ever: whoever had it once is known by it.
    Always,
    /// From the day on which it is said of the record until its sources say another; it may be another record's later.
    WhileSaid,
}

const VALIDITIES: [(&str, IdentityValidity); 2] = [
    ("always", IdentityValidity::Always),
    ("while_said", IdentityValidity::WhileSaid),
];

/// One rule: rows that agree in all its columns are about the same thing. *Shape*: rules stand in order of their weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityRule {
    /// The columns; a row that lacks one says nothing by this rule.
    pub columns: Vec<String>,
    /// How they are compared.
    pub form: IdentityForm,
    /// How long an identifier by this rule belongs to a record.
    pub validity: IdentityValidity,
    /// Texts that identify nothing, as they are compared.
    pub ignored: Vec<String>,
    /// Where it stands.
    pub place: crate::problem::Place,
}

/// Separates several identifiers of one kind in a column, such as the addresses of a machine.
const SEPARATOR: char = ';';

/// How a key begins that was made from an identifier, because nobody gave one.
pub const MINTED: &str = "seen:";

/// Tells whether a record's key was made from an identifier.
#[must_use]
pub fn is_minted(key: &str) -> bool {
    key.starts_with(MINTED)
}

impl IdentityRule {
    /// The identifiers by this rule. *Shape*: `<columns>=<compared text>`, sorted.
    fn identifiers<'v>(&self, value: &dyn Fn(&str) -> Option<&'v str>) -> Vec<String> {
        let name = self.columns.join("+");
        let mut found: Vec<String> = match self.columns.as_slice() {
            [only] => value(only)
                .unwrap_or_default()
                .split(SEPARATOR)
                .filter_map(|part| self.compared(part))
                .collect(),
            [host, domain] if self.form == IdentityForm::Host => {
                let full = plain(value(host).unwrap_or_default());
                let (first, rest) = full.split_once('.').unwrap_or((&full, ""));
                let domain = value(domain).map(plain).filter(|domain| !domain.is_empty());
                let domain = domain.unwrap_or_else(|| rest.to_owned());
                let domain = domain.trim_matches('.');
                let is_whole = !first.is_empty() && !domain.is_empty();
                let whole = format!("{first}.{domain}");
                (is_whole && !self.ignored.contains(&whole))
                    .then_some(whole)
                    .into_iter()
                    .collect()
            }
            several => {
                let parts: Option<Vec<String>> = several
                    .iter()
                    .map(|column| self.compared(value(column)?))
                    .collect();
                parts.map(|parts| parts.join("/")).into_iter().collect()
            }
        };
        found.sort();
        found.dedup();
        found.iter().map(|text| format!("{name}={text}")).collect()
    }

    /// A text as it is compared; `None` where it identifies nothing.
    fn compared(&self, text: &str) -> Option<String> {
        let text = plain(text);
        let compared = match self.form {
            IdentityForm::Text => text,
            IdentityForm::Host => text.split('.').next().unwrap_or_default().to_owned(),
            IdentityForm::Mac => {
                let digits: String = text
                    .chars()
                    .filter(|c| !matches!(c, ':' | '-' | '.' | ' '))
                    .collect();
                let is_address =
                    digits.len() == 12 && digits.chars().all(|c| c.is_ascii_hexdigit());
                let is_filler =
                    digits.chars().all(|c| c == '0') || digits.chars().all(|c| c == 'f');
                if !is_address || is_filler {
                    return None;
                }
                digits
            }
        };
        (!compared.is_empty() && !self.ignored.contains(&compared)).then_some(compared)
    }
}

impl Dataset {
    /// The column that takes a key made from identifiers where a row has none; `None` where the dataset has no such rules.
    #[must_use]
    pub fn minted_column(&self) -> Option<&str> {
        if self.identity.is_empty() {
            return None;
        }
        self.key.first().map(String::as_str)
    }

    /// All identifiers of a row, those of the weightiest rule first.
    pub fn identifiers<'v>(&self, value: &dyn Fn(&str) -> Option<&'v str>) -> Vec<String> {
        let rules = self.identity.iter();
        rules.flat_map(|rule| rule.identifiers(value)).collect()
    }

    /// The key that is made for a row of these identifiers.
    #[must_use]
    pub fn minted_key(identifiers: &[String]) -> Option<String> {
        identifiers.first().map(|first| format!("{MINTED}{first}"))
    }

    /// The weight of an identifier: the position of its rule.
    #[must_use]
    pub fn weight_of(&self, identifier: &str) -> usize {
        let name = identifier.split('=').next().unwrap_or_default();
        let mut rules = self.identity.iter();
        rules
            .position(|rule| rule.columns.join("+") == name)
            .unwrap_or(self.identity.len())
    }

    /// How long identifiers of a weight belong to a record.
    #[must_use]
    pub fn validity_of(&self, weight: usize) -> IdentityValidity {
        let rule = self.identity.get(weight);
        rule.map_or(IdentityValidity::Always, |rule| rule.validity)
    }
}

/// Reads the rules.
pub(super) fn rules(node: &Node<'_>) -> Vec<IdentityRule> {
    let rule = |table: &Node<'_>| {
        let columns = table.strings("columns");
        let form = table.choice("form", &FORMS).unwrap_or(IdentityForm::Text);
        let validity = table.choice("validity", &VALIDITIES);
        let ignored = table.strings("ignore");
        table.finish();
        if columns.is_empty() {
            table.report(
                Problem::new(
                    table.place(),
                    Text::new(
                        "同一判定の規則に列がありません",
                        "a rule of identity names no column",
                    ),
                )
                .hint(Text::new(
                    "columns = [\"…\"] を加えてください",
                    "add columns = [\"…\"]",
                )),
            );
        }
        IdentityRule {
            columns,
            form,
            validity: validity.unwrap_or(IdentityValidity::Always),
            ignored: ignored.iter().map(|text| plain(text)).collect(),
            place: table.place_of("columns"),
        }
    };
    node.list("identity").iter().map(rule).collect()
}

/// Checks that the rules can be held: texts of the journal itself that name nobody, and one key to make.
pub(super) fn check(
    node: &Node<'_>,
    rules: &[IdentityRule],
    columns: &[Column],
    key: &[String],
    kind: Option<DatasetKind>,
) {
    if rules.is_empty() {
        return;
    }
    let is_fit = |column: &Column| {
        column.kind == ColumnType::Text
            && column.journalled
            && !column.personal
            && column.lookup.is_none()
    };
    let named = |name: &String| columns.iter().find(|column| column.name == *name);
    let has_one_key = matches!(key, [only] if named(only).is_some_and(is_fit));
    if !has_one_key || kind == Some(DatasetKind::Derived) {
        node.report(
            Problem::new(
                node.place_of("identity"),
                Text::new(
                    "同一判定の規則を持つデータ種別には、文字列の列一つのキーが必要です",
                    "a dataset with rules of identity needs a key of one text column",
                ),
            )
            .hint(Text::new(
                "キーのない行には、識別子から作ったキーを付けます",
                "a row without a key is given one that is made from its identifiers",
            )),
        );
    }
    for rule in rules {
        for column in &rule.columns {
            if !named(column).is_some_and(is_fit) || key.contains(column) {
                let located = Located {
                    value: column.clone(),
                    place: rule.place.clone(),
                };
                node.report(
                    Problem::new(
                        located.place,
                        Text::new(format!("この列では同一判定ができません: `{column}`"), format!("nothing can be identified by this column: `{column}`")),
                    )
                    .hint(Text::new("記帳される文字列の列(個人情報、参照列、キーを除く)を指定してください", "name text columns that are journalled, not personal, not looked up and not the key")),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(columns: &[&str], form: IdentityForm) -> IdentityRule {
        IdentityRule {
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            form,
            validity: IdentityValidity::Always,
            ignored: vec!["default string".to_owned()],
            place: crate::problem::Place::default(),
        }
    }

    #[test]
    fn identifiers_are_compared_in_their_form() {
        let mac = rule(&["mac"], IdentityForm::Mac);
        let serial = rule(&["serial"], IdentityForm::Text);
        let host = rule(&["host", "domain"], IdentityForm::Host);
        let of = |rule: &IdentityRule, values: &[(&str, &str)]| {
            let value = |name: &str| {
                let found = values.iter().find(|(column, _)| *column == name);
                found.map(|(_, value)| *value)
            };
            let owned: Vec<String> = rule.identifiers(&value);
            owned
        };
        let address = "mac=00112233aabb";
        assert_eq!(of(&mac, &[("mac", "00:11:22:33:AA:BB")]), [address]);
        assert_eq!(
            of(&mac, &[("mac", "0011.2233.aabb; 00-00-00-00-00-00;x")]),
            [address]
        );
        assert_eq!(of(&serial, &[("serial", " ＡＢ 1 ")]), ["serial=ab 1"]);
        assert!(of(&serial, &[("serial", "Default  String")]).is_empty());
        let whole = "host+domain=pc1.jp.example.com";
        assert_eq!(of(&host, &[("host", "PC1.jp.example.com")]), [whole]);
        assert_eq!(
            of(&host, &[("host", "pc1"), ("domain", "JP.example.com.")]),
            [whole]
        );
        assert!(of(&host, &[("host", "pc1")]).is_empty());
    }
}
