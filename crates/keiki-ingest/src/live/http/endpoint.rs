//! Where a system that is asked over HTTP is, and how one identifies oneself to it.

use keiki_model::document::Node;
use keiki_model::problem::Problem;
use keiki_model::text::Text;
use url::Url;

use super::super::secret::{self, SecretReference, Setting};
use super::address::Network;

/// Where a system is and how one identifies oneself to it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(super) url: Url,
    pub(super) headers: Vec<(String, Setting)>,
    pub(super) parameters: Vec<(String, Setting)>,
    pub(super) credentials: Credentials,
    pub(super) network: Network,
    pub(super) ca: Option<String>,
    pub(super) proxy: Option<String>,
    /// The address as it is told.
    place: String,
}

#[derive(Debug)]
pub(super) enum Credentials {
    None,
    Bearer(SecretReference),
    Basic {
        user: String,
        password: SecretReference,
    },
}

impl Endpoint {
    /// Reads the keys of an endpoint: `url`, `headers`, `parameters`, `token` or `user` and
    /// `password`, `network`, `ca`, `proxy`.
    pub(crate) fn read(node: &Node<'_>) -> Option<Self> {
        let headers = secret::settings(node, "headers");
        let parameters = secret::settings(node, "parameters");
        let network = node
            .choice("network", &Network::ALL)
            .unwrap_or(Network::Public);
        let credentials = credentials(node);
        let ca = node.string("ca");
        let proxy = node.string("proxy");
        let text = node.required_string("url")?;
        let wrong = |message: Text, hint: Text| {
            node.report(Problem::new(node.place_of("url"), message).hint(hint));
        };
        let Ok(url) = Url::parse(&text) else {
            wrong(
                Text::new("`url` がアドレスではありません", "`url` is not an address"),
                Text::new(
                    "https://host/path のように書いてください",
                    "write it as https://host/path",
                ),
            );
            return None;
        };
        if !url.username().is_empty() || url.password().is_some() {
            wrong(
                Text::new(
                    "アドレスに名前やパスワードを書くことはできません",
                    "a name or password must not stand in an address",
                ),
                Text::new(
                    "`user` と password = { env = \"名前\" } を使い、書かれていたパスワードは変更してください",
                    "use `user` and password = { env = \"NAME\" }; and change the password",
                ),
            );
        }
        if url
            .query_pairs()
            .any(|(key, _)| secret::names_a_secret(&key))
        {
            wrong(
                Text::new(
                    "アドレスに秘密情報を書くことはできません",
                    "a secret must not stand in an address",
                ),
                Text::new(
                    "`parameters` で key = { env = \"名前\" } のように参照し、書かれていた秘密情報は変更してください",
                    "put it into `parameters` by reference, such as key = { env = \"NAME\" }; and change it",
                ),
            );
        }
        let has_secret = !matches!(credentials, Credentials::None)
            || headers
                .iter()
                .chain(&parameters)
                .any(|(_, s)| s.is_secret());
        match url.scheme() {
            "https" => {}
            "http" if network == Network::Internal || !has_secret => {}
            "http" => wrong(
                Text::new(
                    "秘密情報が暗号化されずにインターネットへ送られます",
                    "a secret would go over the internet unencrypted",
                ),
                Text::new(
                    "httpsを使ってください。社内のシステムであれば network = \"internal\" と書いてください",
                    "use https, or network = \"internal\" for a system of your own network",
                ),
            ),
            _ => wrong(
                Text::new(
                    "`url` は https か http で始めます",
                    "`url` should begin with https or http",
                ),
                Text::new(
                    "https://host/path のように書いてください",
                    "write https://host/path",
                ),
            ),
        }
        Some(Self {
            place: shown(&url),
            url,
            headers,
            parameters,
            credentials,
            network,
            ca,
            proxy,
        })
    }

    /// Reads the keys of an endpoint whose address is itself a secret: its host alone is told, and only a system of one's own
    /// network is spoken to in the clear.
    pub(crate) fn read_secret(node: &Node<'_>) -> Option<Self> {
        let endpoint = Self::read(node)?;
        if endpoint.url.scheme() == "http" && endpoint.network == Network::Public {
            let problem = Problem::new(
                node.place_of("url"),
                Text::new(
                    "アドレス自体が秘密情報であり、暗号化されずにインターネットへ送られます",
                    "the address is a secret, and would go over the internet unencrypted",
                ),
            );
            node.report(problem.hint(Text::new(
                "httpsを使ってください。社内のシステムであれば network = \"internal\" と書いてください",
                "use https, or network = \"internal\" for a system of your own network",
            )));
        }
        let host = endpoint.url.host_str().unwrap_or_default().to_owned();
        Some(Self {
            place: host,
            ..endpoint
        })
    }

    /// The endpoint of an address that a service named itself.
    pub(crate) fn of_service(
        url: &Url,
        network: Network,
        ca: Option<String>,
        proxy: Option<String>,
    ) -> Self {
        Self {
            place: shown(url),
            url: url.clone(),
            headers: Vec::new(),
            parameters: Vec::new(),
            credentials: Credentials::None,
            network,
            ca,
            proxy,
        }
    }

    /// The address without its query; of one that is a secret, its host.
    pub(crate) fn place(&self) -> String {
        self.place.clone()
    }
}

fn credentials(node: &Node<'_>) -> Credentials {
    let token = secret::reference(node, "token");
    let password = secret::reference(node, "password");
    let user = node.string("user");
    match (token, user, password) {
        (Some(token), None, None) => Credentials::Bearer(token),
        (None, Some(user), Some(password)) => Credentials::Basic { user, password },
        (None, None, None) => Credentials::None,
        _ => {
            let problem = Problem::new(
                node.place(),
                Text::new(
                    "`token`、または `user` と `password` の一方を指定してください",
                    "give either `token`, or `user` and `password`",
                ),
            );
            node.report(problem.hint(Text::new(
                "どちらも token = { env = \"名前\" } のように参照で書きます",
                "both by reference, such as token = { env = \"NAME\" }",
            )));
            Credentials::None
        }
    }
}

/// An address without what must not be shown.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // A name in an address is refused when the definition is read; this is for texts all the same.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}
