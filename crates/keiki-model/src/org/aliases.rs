//! What tools call an org unit: names, patterns of host names, address ranges and domains that stand for its id.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::calendar::{BEGINNING, Day, parse_day};
use crate::codes::{at_line, read_table};
use crate::problem::{Problem, nearest};
use crate::text::Text;
use crate::text::plain;

use super::Organisation;

/// The file of aliases.
pub const ALIASES_FILE: &str = "aliases.csv";

const HEADER: &str = "form,text,org_unit,valid_from,valid_until";

/// How an alias is held against a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// The text is this, whatever its case, width and spaces.
    Name(String),
    /// The text is a host name of this pattern, in which `*` stands for any characters.
    Host(String),
    /// The text is an address within this range.
    Address(IpNet),
    /// The text is this domain, or a name or mail address below it.
    Domain(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Alias {
    form: Form,
    org_unit: String,
    from: Day,
    until: Option<Day>,
}

/// Resolves what tools call org units. Ids come first, then the tree's own names where one unit alone has them, then the
/// aliases: names, host names, addresses, domains; of several the most particular.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrgUnitNames {
    ids: HashSet<String>,
    names: HashMap<String, BTreeSet<String>>,
    aliases: Vec<Alias>,
}

/// The aliases that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AliasDay {
    /// Those that have not ended.
    Standing,
    /// Those of a day.
    On(Day),
}

impl OrgUnitNames {
    /// Makes the names of an org tree, without aliases.
    #[must_use]
    pub fn of(organisation: &Organisation) -> Self {
        let mut names: HashMap<String, BTreeSet<String>> = HashMap::new();
        let mut ids = HashSet::new();
        for unit in organisation.rows() {
            ids.insert(unit.id.clone());
            for name in [&unit.name.ja, &unit.name.en] {
                let units = names.entry(plain(name)).or_default();
                units.insert(unit.id.clone());
            }
        }
        Self {
            ids,
            names,
            aliases: Vec::new(),
        }
    }

    /// Adds the aliases of a file.
    ///
    /// # Errors
    /// Every fault: header, forms, ranges, dates, unknown org units, one text for two units on one day.
    pub fn with_aliases(mut self, file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let (header, records) = read_table(file, text)?;
        if header.join(",") != HEADER {
            let message = Text::new(
                format!("見出しが別名表のものではありません: {}", header.join(",")),
                format!("the header is not that of aliases: {}", header.join(",")),
            );
            let problem = Problem::new(at_line(file, 1), message);
            return Err(vec![problem.hint(Text::new(
                format!("見出しを {HEADER} としてください"),
                format!("the header should be {HEADER}"),
            ))]);
        }
        let mut problems = Vec::new();
        let mut read: Vec<(usize, Alias)> = Vec::new();
        for (line, record) in records {
            match self.alias(&record) {
                Ok(alias) => {
                    let clash = read.iter().find(|(_, other)| clashes(other, &alias));
                    if let Some((first, _)) = clash {
                        let message = Text::new(
                            format!("この表記はすでに組織に対応しています({first}行目)"),
                            format!("the text already stands for an org unit: line {first}"),
                        );
                        problems.push(Problem::new(at_line(file, line), message).hint(Text::new(
                            "二つ目が始まる日を一つ目の valid_until に書いてください",
                            "end the first with valid_until where the second begins",
                        )));
                    }
                    read.push((line, alias));
                }
                Err((message, hint)) => {
                    problems.push(Problem::new(at_line(file, line), message).hint(hint));
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        self.aliases = read.into_iter().map(|(_, alias)| alias).collect();
        // The most particular first: the longest range, pattern or domain.
        self.aliases.sort_by_key(|alias| {
            let length = match &alias.form {
                Form::Name(_) => 0,
                Form::Host(pattern) => pattern.len(),
                Form::Address(range) => usize::from(range.prefix_len()),
                Form::Domain(domain) => domain.len(),
            };
            (std::cmp::Reverse(length), alias.form.clone(), alias.from)
        });
        Ok(self)
    }

    fn alias(&self, record: &[String]) -> Result<Alias, (Text, Text)> {
        let [form, text, org_unit, from, until] = record else {
            let message = Text::new(
                format!("行の欄は5個です(現在は{}個)", record.len()),
                format!("the row should have 5 fields, found {}", record.len()),
            );
            return Err((
                message,
                Text::new(format!("欄: {HEADER}"), format!("fields: {HEADER}")),
            ));
        };
        let day = |name: &str, text: &str| match text {
            "" => Ok(None),
            text => parse_day(text).map(Some).ok_or_else(|| {
                let message = Text::new(
                    format!("`{name}` が日付ではありません: {text}"),
                    format!("`{name}` is not a date: {text}"),
                );
                (
                    message,
                    Text::new(
                        "日付は 2026-04-01 のように書いてください",
                        "write dates as 2026-04-01",
                    ),
                )
            }),
        };
        let (from, until) = (day("valid_from", from)?, day("valid_until", until)?);
        if text.is_empty() {
            let hint = Text::new(
                "ツールでの組織の表記を書いてください",
                "write what tools call the org unit",
            );
            return Err((
                Text::new("別名に表記がありません", "the alias has no text"),
                hint,
            ));
        }
        if !self.ids.contains(org_unit) {
            let near = nearest(org_unit, self.ids.iter().map(String::as_str));
            let hint = near.map_or_else(
                || Text::new("org.csv のIDを使ってください", "use an id of org.csv"),
                |near| {
                    Text::new(
                        format!("{near} ではありませんか"),
                        format!("did you mean {near}?"),
                    )
                },
            );
            return Err((
                Text::new(
                    format!("組織がありません: {org_unit}"),
                    format!("unknown org unit: {org_unit}"),
                ),
                hint,
            ));
        }
        Ok(Alias {
            form: form_of(form, text)?,
            org_unit: org_unit.clone(),
            from: from.unwrap_or(BEGINNING),
            until,
        })
    }

    /// The org unit that a text stands for; `None` where nothing says.
    #[must_use]
    pub fn resolve(&self, text: &str, day: AliasDay) -> Option<&str> {
        let text = text.trim();
        if let Some(id) = self.ids.get(text) {
            return Some(id);
        }
        let plain = plain(text);
        let counts = |alias: &&Alias| match day {
            AliasDay::Standing => alias.until.is_none(),
            AliasDay::On(day) => alias.from <= day && alias.until.is_none_or(|until| day < until),
        };
        let address: Option<IpAddr> = plain.parse().ok();
        let find = |fits: &dyn Fn(&Form) -> bool| {
            let mut aliases = self.aliases.iter().filter(counts);
            let alias = aliases.find(|alias| fits(&alias.form));
            alias.map(|alias| alias.org_unit.as_str())
        };
        if let Some(address) = address {
            return find(&|form| matches!(form, Form::Address(range) if range.contains(&address)));
        }
        find(&|form| matches!(form, Form::Name(name) if *name == plain))
            .or_else(|| {
                let units = self.names.get(&plain).filter(|units| units.len() == 1)?;
                units.first().map(String::as_str)
            })
            .or_else(|| find(&|form| matches!(form, Form::Host(pattern) if fits(pattern, &plain))))
            .or_else(|| {
                find(&|form| matches!(form, Form::Domain(domain) if is_below(&plain, domain)))
            })
    }
}

fn form_of(form: &str, text: &str) -> Result<Form, (Text, Text)> {
    Ok(match form {
        "name" => Form::Name(plain(text)),
        "host" => Form::Host(plain(text)),
        "domain" => Form::Domain(plain(text).trim_start_matches(['.', '@']).to_owned()),
        "address" => {
            let range = text.parse::<IpNet>().ok();
            let range = range.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
            let range = range.ok_or_else(|| {
                let hint = Text::new(
                    "10.1.0.0/16 または 2001:db8::/32 のように書いてください",
                    "write it as 10.1.0.0/16 or 2001:db8::/32",
                );
                (
                    Text::new(
                        format!("アドレス範囲として読めません: {text}"),
                        format!("not an address range: {text}"),
                    ),
                    hint,
                )
            })?;
            Form::Address(range.trunc())
        }
        other => {
            let hint = Text::new(
                "選べる値: name, host, address, domain",
                "one of: name, host, address, domain",
            );
            return Err((
                Text::new(
                    format!("別名の種類がありません: {other}"),
                    format!("unknown form of alias: {other}"),
                ),
                hint,
            ));
        }
    })
}

fn clashes(one: &Alias, other: &Alias) -> bool {
    let end = |alias: &Alias| alias.until.unwrap_or(Day::MAX);
    one.form == other.form && one.from < end(other) && other.from < end(one)
}

/// Tells whether a text fits a pattern in which `*` stands for any characters.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(start) else {
        return false;
    };
    let parts: Vec<&str> = rest.split('*').collect();
    let (last, between) = parts.split_last().map_or(("", &[][..]), |(l, b)| (*l, b));
    for part in between {
        let Some(at) = text.find(part) else {
            return false;
        };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

fn is_below(text: &str, domain: &str) -> bool {
    text.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with(['.', '@']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: &str = "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n\
        HD,,架空,Fictional,group,JP,,,\nJP1,HD,架空製造,Fictional Manufacturing,subsidiary,JP,,,\n\
        JP1-IT,JP1,情報システム部,IT,department,JP,,,\nUS1,HD,米,IT,overseas,US,,,\n";

    fn names(aliases: &str) -> Result<OrgUnitNames, Vec<Problem>> {
        let organisation = Organisation::read("org.csv", ORG).expect("the tree is sound");
        OrgUnitNames::of(&organisation).with_aliases(ALIASES_FILE, &format!("{HEADER}\n{aliases}"))
    }

    #[test]
    fn an_org_unit_is_found_by_id_name_alias_and_rule() {
        let names = names(
            "name,製造　情シス,JP1-IT,,\nhost,tyo-*-srv?,US1,,\nhost,tyo-*,JP1,,\naddress,10.0.0.0/8,HD,,\n\
             address,10.12.0.0/16,JP1,,\ndomain,us.example.com,US1,,\n",
        )
        .expect("the aliases are sound");
        for (text, unit) in [
            ("JP1", Some("JP1")),
            ("架空製造", Some("JP1")),
            ("ＦＩＣＴＩＯＮＡＬ manufacturing", Some("JP1")),
            ("製造 情シス", Some("JP1-IT")),
            ("TYO-db-01", Some("JP1")),
            ("10.12.3.4", Some("JP1")),
            ("10.13.3.4", Some("HD")),
            ("pc1.us.example.com", Some("US1")),
            ("someone@us.example.com", Some("US1")),
            ("notus.example.com", None),
            ("IT", None),
            ("192.0.2.1", None),
        ] {
            assert_eq!(names.resolve(text, AliasDay::Standing), unit, "{text}");
        }
    }

    #[test]
    fn an_alias_that_ended_counts_on_its_days_alone() {
        let names = names(
            "name,old,JP1,,2026-04-01\nname,moved,JP1,,2026-04-01\nname,moved,US1,2026-04-01,\n",
        )
        .expect("the aliases are sound");
        let day = |text| AliasDay::On(parse_day(text).expect("a day"));
        assert_eq!(names.resolve("old", AliasDay::Standing), None);
        assert_eq!(names.resolve("old", day("2026-03-31")), Some("JP1"));
        assert_eq!(names.resolve("old", day("2026-04-01")), None);
        assert_eq!(names.resolve("moved", AliasDay::Standing), Some("US1"));
        assert_eq!(names.resolve("moved", day("2026-03-31")), Some("JP1"));
    }

    #[test]
    fn every_fault_of_the_aliases_is_named_with_its_line() {
        let found = names(
            "name,a,JP9,,\nmail,b,JP1,,\naddress,10.0.0.0/99,JP1,,\nname,c,JP1,soon,\nname,d,JP1,,\nname,D,US1,,\nname,,JP1,,\n",
        )
        .expect_err("the aliases are faulty");
        let lines: Vec<usize> = found.iter().map(|problem| problem.place.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 7, 8], "{found:#?}");
    }
}
