//! A workspace: its files found, loaded and checked together.

pub mod settings;
pub mod shipped;

mod codes;
mod files;
mod loading;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

#[cfg(feature = "cluster")]
use keiki_engine::cluster::{Cluster, ClusterSetting, Token};
use keiki_engine::expressions::{Codes, SqlExpressions};
use keiki_engine::{Engine, Setting};
use keiki_ingest::{Kinds, Source};
use keiki_model::calendars::Calendars;
use keiki_model::catalogue::Catalogue;
use keiki_model::dataset::Dataset;
use keiki_model::expression::Expressions;
use keiki_model::framework::Framework;
use keiki_model::org::{Hierarchy, Organisation};
use keiki_model::problem::nearest;
use keiki_model::programme::Programme;
use keiki_model::text::Text;
use keiki_store::{
    Database, Journal, Ledger, Place as JournalPlace, Reading, Readings, RemarkBook, Seals,
    Statements, Texts, Tokens,
};

use crate::environment::Here;
use crate::error::{Error, Result};

pub use files::Content;
pub use settings::{
    DEFAULT_DATABASE, DatabaseSettings, Link, MailSecurity, MailSettings, OpenIdSettings,
    Passwords, Settings, SignInSettings, Webhook, WebhookForm,
};

/// The org tree's file.
pub const ORG_FILE: &str = "org.csv";
/// The folder of sources.
pub const SOURCES_FOLDER: &str = "sources";
/// The folder of the organisation's own kinds of source.
pub const KINDS_FOLDER: &str = "kinds";
/// The folder of the organisation's own datasets.
pub const DATASETS_FOLDER: &str = "datasets";
/// The folder of the organisation's own KPIs.
pub const KPIS_FOLDER: &str = "kpis";
/// The folder of further hierarchies over the org tree.
pub const HIERARCHIES_FOLDER: &str = "hierarchies";
/// The folder of code lists that mappings look up.
pub const LISTS_FOLDER: &str = "lists";
/// The folder of the workspace's state.
pub const STATE_FOLDER: &str = ".keiki";

/// A workspace whose files are sound.
pub struct Workspace {
    /// Its folder.
    pub root: PathBuf,
    /// What `keiki.toml` says.
    pub settings: Settings,
    /// The org tree.
    pub organisation: Arc<Organisation>,
    /// The fiscal calendars of the group and of entities that have their own.
    pub calendars: Calendars,
    /// Further hierarchies over it, by name.
    pub hierarchies: Arc<Vec<Hierarchy>>,
    /// The shipped definitions and its own.
    pub catalogue: Arc<Catalogue>,
    /// What `programme.toml` says; empty where there is none.
    pub programme: Arc<Programme>,
    /// The published frameworks to which KPIs are mapped.
    pub frameworks: Vec<Framework>,
    /// The kinds of source that ship with Keiki, and its own.
    pub kinds: Kinds,
    /// Its sources, by name.
    pub sources: Vec<Source>,
    /// The texts that all of this was read from.
    pub content: Content,
    /// The compiler of expressions, with the workspace's calendar and zone.
    pub expressions: Arc<SqlExpressions>,
    /// The compiler of mappings, which look up codes and org units too.
    pub mappings: Arc<SqlExpressions>,
    /// What mappings look up.
    pub codes: Arc<Codes>,
    /// Of how many periods the engine remembers measurements.
    remembers: usize,
    engine: OnceLock<Arc<Engine>>,
    database: Arc<OnceLock<Database>>,
    place: OnceLock<Box<JournalPlace>>,
    journal: OnceLock<Journal>,
}

impl std::fmt::Debug for Workspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workspace")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl Workspace {
    /// Finds the folder of the workspace: the given one, or the nearest with a `keiki.toml` from `start` upwards.
    ///
    /// # Errors
    /// There is none.
    pub fn find(given: Option<&Path>, start: &Path) -> Result<PathBuf> {
        let hint = Text::new(
            "`keiki init DIR` で作成するか、--workspace DIR で指定してください",
            "make one with `keiki init DIR`, or name it with --workspace DIR",
        );
        if let Some(given) = given {
            let shown = given.display();
            return if given.join(settings::FILE).is_file() {
                Ok(given.to_owned())
            } else {
                let message = Text::new(
                    format!("ワークスペースではありません(keiki.toml がありません): {shown}"),
                    format!("not a workspace, there is no keiki.toml in it: {shown}"),
                );
                Err(Error::user(message, hint))
            };
        }
        let found = start
            .ancestors()
            .find(|folder| folder.join(settings::FILE).is_file());
        found.map(Path::to_owned).ok_or_else(|| {
            let message = Text::new(
                format!(
                    "このフォルダにも上位のフォルダにもワークスペースがありません: {}",
                    start.display()
                ),
                format!(
                    "no workspace in this folder or any above it: {}",
                    start.display()
                ),
            );
            Error::user(message, hint)
        })
    }

    /// Loads a workspace and checks all of it.
    ///
    /// # Errors
    /// All problems of all its files at once.
    pub fn load(root: &Path) -> Result<Self> {
        let root = root.canonicalize().map_err(Error::file(root))?;
        let (content, problems) = Content::read(&root);
        Self::from_content(root, content, problems)
    }

    /// Makes a workspace of the shipped definitions and a few texts, of which nothing lies in the folder.
    ///
    /// # Errors
    /// The texts are not sound.
    pub fn shipped(root: PathBuf, texts: impl Iterator<Item = (String, String)>) -> Result<Self> {
        Self::from_content(root, Content::shipped(texts), Vec::new())
    }

    /// Makes the workspace as a recorded edition has it.
    ///
    /// # Errors
    /// This program no longer takes what was recorded.
    pub fn recorded(&self, texts: Texts) -> Result<Self> {
        let mut then = Self::from_content(self.root.clone(), Content::recorded(texts), Vec::new())?;
        // The books are where they are now, whatever was said then.
        then.settings.journal.clone_from(&self.settings.journal);
        then.settings.object_store = self.settings.object_store.clone();
        then.settings.engine = self.settings.engine.clone();
        then.settings.database = self.settings.database.clone();
        then.database = Arc::clone(&self.database);
        Ok(then)
    }

    /// The same for a process that measures the same again and again, as long as it runs: measurements of so many periods are
    /// remembered.
    #[must_use]
    pub fn remembering(self, periods: usize) -> Self {
        Self {
            remembers: periods,
            ..self
        }
    }

    /// The same definitions with books of their own in another folder: what is done there changes nothing here.
    #[must_use]
    pub fn apart(&self, root: &Path) -> Self {
        let settings = Settings {
            journal: settings::JOURNAL.to_owned(),
            engine: settings::EngineSettings::Local,
            database: DatabaseSettings::default(),
            ..self.settings.clone()
        };
        Self {
            root: root.to_owned(),
            settings,
            organisation: Arc::clone(&self.organisation),
            calendars: self.calendars.clone(),
            hierarchies: Arc::clone(&self.hierarchies),
            catalogue: Arc::clone(&self.catalogue),
            programme: Arc::clone(&self.programme),
            frameworks: self.frameworks.clone(),
            kinds: self.kinds.clone(),
            sources: self.sources.clone(),
            content: self.content.clone(),
            expressions: Arc::clone(&self.expressions),
            mappings: Arc::clone(&self.mappings),
            codes: Arc::clone(&self.codes),
            remembers: 0,
            engine: OnceLock::new(),
            database: Arc::default(),
            place: OnceLock::new(),
            journal: OnceLock::new(),
        }
    }

    /// As `apart`, with a journal that lies somewhere else.
    #[must_use]
    pub fn apart_at(&self, root: &Path, journal: JournalPlace) -> Self {
        let apart = self.apart(root);
        apart.place.get_or_init(|| Box::new(journal));
        apart
    }

    /// The operational database, whose connections everything shares that this workspace opens.
    ///
    /// # Errors
    /// Its password is not where it should be.
    pub fn database(&self) -> Result<Database> {
        if let Some(database) = self.database.get() {
            return Ok(database.clone());
        }
        let state = self.root.join(STATE_FOLDER);
        let database = self.settings.database.at(&self.root, &state, &Here)?;
        Ok(self.database.get_or_init(|| database).clone())
    }

    /// The book of statements.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn statements(&self) -> Result<Statements> {
        Ok(Statements::open(&self.database()?).await?)
    }

    /// The book of seals.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn seals(&self) -> Result<Seals> {
        Ok(Seals::open(&self.database()?).await?)
    }

    /// The book of remarks.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn remarks(&self) -> Result<RemarkBook> {
        Ok(RemarkBook::open(&self.database()?).await?)
    }

    /// The book of readings.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn readings(&self) -> Result<Readings> {
        Ok(Readings::open(&self.database()?).await?)
    }

    /// The ledger of definitions.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn ledger(&self) -> Result<Ledger> {
        Ok(Ledger::open(&self.database()?).await?)
    }

    /// Opens the journal; with `Opening::Create`, makes it where there is none. What was read of its logs serves whoever opens it
    /// again.
    ///
    /// # Errors
    /// It cannot be used, or is of a newer format.
    pub async fn journal(&self, opening: Opening) -> Result<Journal> {
        if let Some(journal) = self.journal.get() {
            return Ok(journal.clone());
        }
        let place = self.journal_place()?;
        let journal = Box::pin(self.journal_at(place, opening)).await?;
        Ok(self.journal.get_or_init(|| journal).clone())
    }

    /// Where the journal lies.
    ///
    /// # Errors
    /// There can be no journal at its address.
    pub fn journal_place(&self) -> Result<&JournalPlace> {
        if let Some(place) = self.place.get() {
            return Ok(place);
        }
        let state = self.root.join(STATE_FOLDER);
        let place = self.open_place(&self.settings.object_store.reading(&state))?;
        Ok(self.place.get_or_init(|| Box::new(place)))
    }

    /// Opens the journal so that all of it comes from where it lies, and nothing from what was kept of it here.
    ///
    /// # Errors
    /// As `journal`.
    pub async fn journal_itself(&self) -> Result<Journal> {
        let place = self.open_place(&self.settings.object_store.reading_itself())?;
        Box::pin(self.journal_at(&place, Opening::Existing)).await
    }

    fn open_place(&self, reading: &Reading) -> Result<JournalPlace> {
        let url = self
            .settings
            .journal_url(&self.root)
            .map_err(|problem| Error::Problems {
                problems: vec![problem],
            })?;
        Ok(JournalPlace::open(&url, reading)?)
    }

    async fn journal_at(&self, place: &JournalPlace, opening: Opening) -> Result<Journal> {
        let tokens = Tokens::open(&self.database()?).await?;
        let expressions: Arc<dyn Expressions> =
            Arc::clone(&self.expressions) as Arc<dyn Expressions>;
        Ok(match opening {
            Opening::Create => Journal::create_at(place, expressions, tokens).await?,
            Opening::Existing => Journal::open_at(place, expressions, tokens).await?,
        })
    }

    /// The engine over the workspace's definitions, made when it is first asked for.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        self.engine.get_or_init(|| Arc::new(self.new_engine()))
    }

    fn new_engine(&self) -> Engine {
        let setting = Setting {
            calendars: self.calendars.clone(),
            zone: self.settings.zone.clone(),
            catalogue: Arc::clone(&self.catalogue),
            organisation: Arc::clone(&self.organisation),
            hierarchies: Arc::clone(&self.hierarchies),
            programme: Arc::clone(&self.programme),
            cubes: Some(self.root.join(STATE_FOLDER).join("cubes")),
            remembers: self.remembers,
        };
        let engine = Engine::sharing(setting, Arc::clone(&self.expressions));
        #[cfg(feature = "cluster")]
        if let settings::EngineSettings::Cluster(cluster) = &self.settings.engine {
            return self.on_cluster(engine, cluster);
        }
        engine
    }

    /// Has a cluster read the journal. That it cannot be asked shows when a figure is wanted that needs it.
    #[cfg(feature = "cluster")]
    fn on_cluster(&self, engine: Engine, settings: &settings::ClusterSettings) -> Engine {
        let ready = || {
            let journal = self.settings.journal_url(&self.root);
            let journal = journal.map_err(|problem| Error::Problems {
                problems: vec![problem],
            })?;
            let token = keiki_ingest::live::Vault::new(&Here, &self.root).open(&settings.token)?;
            Ok::<_, Error>(Cluster::new(ClusterSetting {
                address: settings.address.clone(),
                token: Token::new(token.expose())?,
                journal,
                part_bytes: settings.part_bytes,
                patience: settings.patience,
            })?)
        };
        engine.on_cluster(ready().map_err(|error: Error| error.message()))
    }

    /// Tells whether the files of the workspace say what they said when it was loaded.
    #[must_use]
    pub fn is_as_on_disk(&self) -> bool {
        Content::read(&self.root).0 == self.content
    }

    /// All datasets.
    #[must_use]
    pub fn datasets(&self) -> Vec<Arc<Dataset>> {
        self.catalogue.datasets.values().cloned().collect()
    }

    /// Finds a dataset.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn dataset(&self, name: &str) -> Result<Arc<Dataset>> {
        self.catalogue.datasets.get(name).cloned().ok_or_else(|| {
            let names = self.catalogue.datasets.keys().map(String::as_str);
            Error::user(
                Text::new(
                    format!("データ種別がありません: {name}"),
                    format!("unknown dataset: {name}"),
                ),
                suggestion(name, names),
            )
        })
    }

    /// Finds a source.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn source(&self, name: &str) -> Result<&Source> {
        self.sources
            .iter()
            .find(|source| source.name == name)
            .ok_or_else(|| {
                let names = self.sources.iter().map(|source| source.name.as_str());
                Error::user(
                    Text::new(
                        format!("取得元がありません: {name}"),
                        format!("unknown source: {name}"),
                    ),
                    suggestion(name, names),
                )
            })
    }
}

/// Whether a journal that is not there is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// It is made.
    Create,
    /// That is an error.
    Existing,
}

/// Suggests the nearest of the names that exist, or lists them all.
pub fn suggestion<'n>(name: &str, names: impl Iterator<Item = &'n str> + Clone) -> Text {
    if let Some(near) = nearest(name, names.clone()) {
        Text::new(
            format!("もしかして: {near}"),
            format!("did you mean {near}?"),
        )
    } else {
        let all = names.collect::<Vec<_>>().join(", ");
        Text::new(
            format!("使えるもの: {all}"),
            format!("those that exist: {all}"),
        )
    }
}
