//! LDAP, against slapd.

use super::servers::Slapd;
use super::{Live, SECRET, problems};

/// Three hundred people, more than the server gives at once; two groups within each other, with a
/// person in both, one who is gone, and one who is named by `uid`.
fn entries() -> String {
    let mut text = "dn: dc=example,dc=jp\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n\
                    dn: ou=people,dc=example,dc=jp\nobjectClass: organizationalUnit\nou: people\n\n\
                    dn: ou=groups,dc=example,dc=jp\nobjectClass: organizationalUnit\nou: groups\n\n"
        .to_owned();
    for number in 1..=300 {
        text.push_str(&format!(
            "dn: uid=p{number},ou=people,dc=example,dc=jp\nobjectClass: inetOrgPerson\nuid: p{number}\n\
             cn:: {}\nsn: {number}\nmail: p{number}@example.jp\nmail: q{number}@example.jp\n\n",
            // 山田 in UTF-8 and base64.
            "5bGx55Sw"
        ));
    }
    text.push_str(
        "dn: cn=admins,ou=groups,dc=example,dc=jp\nobjectClass: groupOfNames\ncn: admins\n\
         member: uid=p1,ou=people,dc=example,dc=jp\nmember: cn=operators,ou=groups,dc=example,dc=jp\n\
         member: uid=gone,ou=people,dc=example,dc=jp\nmember: cn=posix,ou=groups,dc=example,dc=jp\n\n\
         dn: cn=operators,ou=groups,dc=example,dc=jp\nobjectClass: groupOfNames\ncn: operators\n\
         member: uid=p1,ou=people,dc=example,dc=jp\nmember: uid=p2,ou=people,dc=example,dc=jp\n\
         member: cn=admins,ou=groups,dc=example,dc=jp\n\n\
         dn: cn=posix,ou=groups,dc=example,dc=jp\nobjectClass: posixGroup\ncn: posix\ngidNumber: 1\nmemberUid: p3\n\n",
    );
    text
}

fn source(url: &str, more: &str) -> String {
    format!(
        "name = \"live\"\nkind = \"ldap\"\ndataset = \"assets\"\n[fetch]\nurl = \"{url}\"\n\
         bind = \"cn=admin,dc=example,dc=jp\"\npassword = {{ env = \"SECRET\" }}\nbase = \"dc=example,dc=jp\"\n\
         attributes = [\"uid\", \"cn\", \"mail\"]\n{more}\n\
         [columns]\nasset_id = \"uid\"\norg_unit = \"'JP1'\"\nkind = \"'hardware'\"\nname = \"dn\"\n"
    )
}

#[tokio::test]
async fn all_entries_come_page_by_page_and_group_members_through_nested_groups() {
    let server = Slapd::start(&entries());
    let live = Live::new();
    let plain = format!("ldap://127.0.0.1:{}", server.port);
    let all = live
        .read(&source(&plain, ""), None)
        .await
        .expect("it can be read");
    assert_eq!(all.evidence.rows.num_rows(), 300);
    let first = "{\"dn\":\"uid=p1,ou=people,dc=example,dc=jp\",\"cn\":\"山田\",\"mail\":[\"p1@example.jp\",\"q1@example.jp\"],\"uid\":\"p1\"}";
    assert!(all.texts[0].contains(first), "{}", &all.texts[0][..400]);
    let groups = "groups = [\"cn=admins,ou=groups,dc=example,dc=jp\"]\nfilter = \"(objectClass=inetOrgPerson)\"";
    let members = live
        .read(&source(&plain, groups), None)
        .await
        .expect("it can be read");
    let ids: Vec<&str> = ["p1", "p2", "p3", "p4"]
        .into_iter()
        .filter(|id| members.texts[0].contains(&format!("\"uid\":\"{id}\"")))
        .collect();
    assert_eq!(ids, ["p1", "p2", "p3"], "{}", members.texts[0]);
    assert_eq!(members.evidence.rows.num_rows(), 3);
    assert!(members.texts[0].contains("\"via\":\"cn=operators,ou=groups,dc=example,dc=jp\",\"is_direct\":false,\"dn\":\"uid=p2"), "{}", members.texts[0]);

    let ca = format!("ca = \"{}\"", server.ca());
    let tls = format!("ldaps://127.0.0.1:{}", server.port_tls);
    let read = live
        .read(&source(&tls, &ca), None)
        .await
        .expect("TLS is made");
    assert_eq!(read.evidence.rows.num_rows(), 300);
    let start = live
        .read(&source(&plain, &format!("{ca}\nstart_tls = true")), None)
        .await
        .expect("TLS is made");
    assert_eq!(start.evidence.rows.num_rows(), 300);

    let unknown = live.fault(&source(&tls, "")).await;
    assert!(
        unknown.contains("cannot be reached") && unknown.contains("certificate"),
        "{unknown}"
    );
    let denied = live
        .fault(&source(&plain, "").replace("cn=admin,", "cn=other,"))
        .await;
    assert!(
        denied.contains("refused") && denied.contains("invalidCredentials"),
        "{denied}"
    );
    let none = live
        .fault(&source(&plain, "groups = [\"cn=none,dc=example,dc=jp\"]"))
        .await;
    assert!(none.contains("no group cn=none"), "{none}");
}

#[test]
fn a_password_does_not_go_unencrypted_and_does_not_stand_in_a_file() {
    let found = problems(&source("ldap://dc.example.jp", ""));
    assert!(
        found.contains("the password would go unencrypted"),
        "{found}"
    );
    let literal = source("ldaps://dc.example.jp", "")
        .replace("{ env = \"SECRET\" }", &format!("\"{SECRET}\""));
    assert!(
        problems(&literal).contains("`password` is a secret"),
        "{}",
        problems(&literal)
    );
}
