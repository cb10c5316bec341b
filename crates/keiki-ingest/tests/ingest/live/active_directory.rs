//! Active Directory, against the domain controller of Samba.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::servers::{run, stop};
use super::{Live, SECRET};

/// A domain `keiki.test` in a temporary folder. Its ports are fixed, so that it has a loopback address of its own.
struct Samba {
    _folder: TempDir,
    server: Child,
    address: String,
}

impl Samba {
    /// Makes the domain, lets a function change its database, and starts the server.
    fn start(change: impl FnOnce(&dyn Fn(&str, &str))) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let at = |name: &str| folder.path().join(name).display().to_string();
        let [_, _, low, high] = std::process::id().to_be_bytes();
        let address = format!("127.77.{low}.{}", high.max(1));
        let target = format!("--targetdir={}", folder.path().display());
        let password = format!("--adminpass={SECRET}");
        let host = format!("--host-ip={address}");
        let interfaces = format!("--option=interfaces={address}/8");
        privileged(
            "samba-tool",
            &[
                "domain",
                "provision",
                "--realm=KEIKI.TEST",
                "--domain=KEIKI",
                "--server-role=dc",
                "--dns-backend=NONE",
                "--host-name=dc1",
                "--option=bind interfaces only=yes",
                &target,
                &password,
                &host,
                &interfaces,
            ],
        );
        let database = at("private/sam.ldb");
        change(&|program, ldif| {
            let file = at("change.ldif");
            std::fs::write(&file, ldif).expect("it can be written");
            privileged(program, &["-H", &database, &file]);
        });
        let text = format!(
            "[global]\nnetbios name = DC1\nrealm = KEIKI.TEST\nworkgroup = KEIKI\n\
             server role = active directory domain controller\nserver services = ldap\n\
             ldap server require strong auth = No\ninterfaces = {address}/8\nbind interfaces only = Yes\n\
             private dir = {}\nstate directory = {}\ncache directory = {}\nlock directory = {}\n\
             pid directory = {}\nncalrpc dir = {}\nlog file = {}\n",
            at("private"),
            at("state"),
            at("cache"),
            at("."),
            at("."),
            at("ncalrpc"),
            at("log"),
        );
        std::fs::write(at("own.conf"), text).expect("it can be written");
        let mut command = as_root("samba");
        command.args(["-F", "-M", "single", "-s", &at("own.conf")]);
        let server = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut server = server.expect("Samba is installed; see .ci/test");
        while TcpStream::connect((address.as_str(), 389)).is_err() {
            let ended = server.try_wait().expect("it can be asked");
            assert!(ended.is_none(), "samba ended: {ended:?}");
            std::thread::yield_now();
        }
        Self {
            _folder: folder,
            server,
            address,
        }
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}

/// Ports below 1024, and the owners of its files, need an administrator.
fn as_root(program: &str) -> Command {
    let is_root = run("id", &["-u"]).stdout.starts_with(b"0\n");
    let mut command = Command::new(if is_root { "env" } else { "sudo" });
    // Nobody needs the domain after a crash.
    command.args(["TDB_NO_FSYNC=1", program]);
    command
}

fn privileged(program: &str, arguments: &[&str]) {
    let ran = as_root(program).args(arguments).output();
    let ran = ran.expect("Samba is installed; see .ci/test");
    assert!(ran.status.success(), "{program} {arguments:?}: {ran:?}");
}

const BASE: &str = "CN=Users,DC=keiki,DC=test";

fn user(name: &str) -> String {
    format!(
        "dn: CN={name},{BASE}\nobjectClass: user\nsAMAccountName: {name}\nuserAccountControl: 514\n\n"
    )
}

fn group(name: &str, members: &[&str]) -> String {
    let members: String = members
        .iter()
        .map(|member| format!("member: CN={member},{BASE}\n"))
        .collect();
    format!("dn: CN={name},{BASE}\nobjectClass: group\nsAMAccountName: {name}\n{members}\n")
}

/// People in the domain's administrators: directly, through two groups within it, by their primary group alone; one who was
/// deleted, a group without members, and a group of sixty.
fn domain() -> Samba {
    Samba::start(|change| {
        let many: Vec<String> = (1..=60).map(|number| format!("m{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let mut text: String = ["direct", "nested", "primary", "deleted", "outside"]
            .into_iter()
            .chain(many.iter().copied())
            .map(user)
            .collect();
        text.push_str(&group("inner", &["nested", "deleted"]));
        text.push_str(&group("outer", &["inner", "direct"]));
        text.push_str(&group("empty", &[]));
        text.push_str(&group("big", &many));
        change("ldbadd", &text);
        let add = ["direct", "outer", "empty", "primary"]
            .map(|member| format!("add: member\nmember: CN={member},{BASE}\n-\n"));
        let text = format!(
            "dn: CN=Domain Admins,{BASE}\nchangetype: modify\n{}\n\
             dn: CN=primary,{BASE}\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: 512\n-\n\n\
             dn: CN=deleted,{BASE}\nchangetype: delete\n\n",
            add.concat()
        );
        change("ldbmodify", &text);
    })
}

fn source(address: &str, more: &str) -> String {
    format!(
        "name = \"live\"\nkind = \"ldap\"\ndataset = \"assets\"\n[fetch]\nurl = \"ldap://{address}\"\n\
         bind = \"administrator@keiki.test\"\npassword = {{ env = \"SECRET\" }}\nbase = \"DC=keiki,DC=test\"\n{more}\n\
         [columns]\nasset_id = \"dn\"\norg_unit = \"'JP1'\"\nkind = \"'hardware'\"\nname = \"dn\"\n"
    )
}

/// The account names in what was fetched, in order.
fn names(text: &str) -> Vec<String> {
    let rows: Vec<serde_json::Value> = serde_json::from_str(text).expect("it is JSON");
    let names = rows.iter().map(|row| row["sAMAccountName"].as_str());
    let mut names: Vec<String> = names.flatten().map(str::to_owned).collect();
    names.sort();
    names
}

#[tokio::test]
async fn privileged_people_of_a_domain_are_found_however_they_are_privileged() {
    let server = domain();
    let live = Live::new();
    let read = async |more: &str| {
        let read = live.read(&source(&server.address, more), None).await;
        read.expect("it can be read").texts[0].clone()
    };
    let groups = format!("groups = [\"CN=Domain Admins,{BASE}\"]");
    let people = "filter = \"(objectClass=user)\"\nattributes = [\"sAMAccountName\"]";
    let text = read(&format!("{people}\n{groups}")).await;
    // An empty group is nobody, and who was deleted is gone.
    let expected = ["Administrator", "direct", "nested", "primary"];
    assert_eq!(names(&text), expected, "{text}");
    let via =
        format!("\"via\":\"CN=inner,{BASE}\",\"is_direct\":false,\"dn\":\"CN=nested,{BASE}\"");
    assert!(text.contains(&via), "{text}");

    // The server's own search through nested groups says the same, but for the primary group, which it leaves out.
    let chain = format!(
        "filter = \"(&(objectClass=user)(memberOf:1.2.840.113556.1.4.1941:=CN=Domain Admins,{BASE}))\"\n\
         attributes = [\"sAMAccountName\"]"
    );
    assert_eq!(
        names(&read(&chain).await),
        ["Administrator", "direct", "nested"]
    );

    // A group of more members than one answer holds.
    let big = format!("{people}\ngroups = [\"CN=big,{BASE}\"]");
    assert_eq!(names(&read(&big).await).len(), 60);
    let ranges = "filter = \"(sAMAccountName=big)\"\nattributes = [\"sAMAccountName\", \"member;range=0-9\"]";
    let text = read(ranges).await;
    let rows: Vec<serde_json::Value> = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(rows[0]["member"].as_array().map(Vec::len), Some(60));

    // Security identifiers are written out, those of built-in groups too, whose bytes could be text.
    let built_in =
        "filter = \"(cn=Administrators)\"\nattributes = [\"objectSid\", \"sAMAccountName\"]";
    let text = read(built_in).await;
    assert!(text.contains("\"objectSid\":\"S-1-5-32-544\""), "{text}");
    let denied = source(&server.address, people).replace("administrator@", "nobody@");
    let fault = live.fault(&denied).await;
    assert!(fault.contains("refused"), "{fault}");
}
