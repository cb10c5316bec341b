//! A database server and the account on it.

use keiki_model::document::Node;
use keiki_model::problem::Problem;
use keiki_model::text::Text;

use super::secret::{self, SecretReference};

/// A database server and an account on it.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "databases"),
    expect(dead_code, reason = "without the clients of databases nobody connects")
)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) password: Option<SecretReference>,
    pub(crate) encryption: Encryption,
    pub(crate) ca: Option<String>,
}

/// How the connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// The server's certificate must be good and its name must fit.
    Verify,
    /// Encrypted; who the server is, is not checked.
    Require,
    /// Not encrypted.
    Off,
}

const ENCRYPTIONS: [(&str, Encryption); 3] = [
    ("verify", Encryption::Verify),
    ("require", Encryption::Require),
    ("off", Encryption::Off),
];

impl Server {
    /// Reads the keys `host`, `port`, `database`, `user`, `password`, `tls` and `ca`.
    pub(crate) fn read(node: &Node<'_>, default_port: u16) -> Option<Self> {
        let host = node.required_string("host");
        let port = node.integer("port").unwrap_or(i64::from(default_port));
        let port = u16::try_from(port).ok().filter(|port| *port > 0);
        if port.is_none() {
            let problem = Problem::new(
                node.place_of("port"),
                Text::new("`port` がポート番号ではありません", "`port` is not one"),
            );
            node.report(problem.hint(Text::new(
                format!("省略すると {default_port} になります"),
                format!("leave it out for {default_port}"),
            )));
        }
        let database = node.required_string("database");
        let user = node.required_string("user");
        let password = secret::reference(node, "password");
        let encryption = node
            .choice("tls", &ENCRYPTIONS)
            .unwrap_or(Encryption::Verify);
        let ca = node.string("ca");
        Some(Self {
            host: host?,
            port: port?,
            database: database?,
            user: user?,
            password,
            encryption,
            ca,
        })
    }

    /// Where it is, as users know it.
    pub(crate) fn place(&self, scheme: &str) -> String {
        format!("{scheme}://{}:{}/{}", self.host, self.port, self.database)
    }
}
