//! A workspace: its files found, loaded and checked together.

pub mod settings;
pub mod shipped;

mod codes;
mod files;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

#[cfg(feature = "cluster")]
use keiki_engine::cluster::{Cluster, ClusterSetting, Token};
use keiki_engine::expressions::{Codes, SqlExpressions};
use keiki_engine::{Engine, Setting};
use keiki_ingest::sample::check_mapping;
use keiki_ingest::{Kinds, Source, read_source};
use keiki_model::calendars::Calendars;
use keiki_model::catalogue::{Catalogue, full_schema};
use keiki_model::dataset::Dataset;
use keiki_model::document::Located;
use keiki_model::expression::Expressions;
use keiki_model::framework::{self, Framework};
use keiki_model::kpi::read_kpi;
use keiki_model::org::{Hierarchy, Organisation};
use keiki_model::problem::{Place, Problem, nearest};
use keiki_model::programme::{PROGRAMME_FILE, Programme, read_programme};
use keiki_model::text::Text;
use keiki_store::{
    Database, Journal, Ledger, Place as JournalPlace, Reading, Readings, RemarkBook, Seals,
    Statements, Texts, Tokens,
};

use crate::environment::Here;
use crate::error::{Error, Result};

pub use files::Content;
pub use settings::{
    DEFAULT_DATABASE, DatabaseSettings, MailSecurity, MailSettings, OpenIdSettings, Passwords,
    Settings, SignInSettings, Webhook, WebhookForm,
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
    engine: OnceLock<Arc<Engine>>,
    database: Arc<OnceLock<Database>>,
    place: OnceLock<Box<JournalPlace>>,
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
            engine: OnceLock::new(),
            database: Arc::default(),
            place: OnceLock::new(),
        }
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

    fn from_content(root: PathBuf, content: Content, mut problems: Vec<Problem>) -> Result<Self> {
        let mut keep = |found: Vec<Problem>| problems.extend(found);
        let settings = content
            .get(settings::FILE)
            .and_then(|text| Settings::read(settings::FILE, text).map_err(&mut keep).ok());
        let organisation = content
            .get(ORG_FILE)
            .and_then(|text| Organisation::read(ORG_FILE, text).map_err(&mut keep).ok());
        let calendars = settings
            .as_ref()
            .zip(organisation.as_ref())
            .and_then(|(of, tree)| calendars(of, tree).map_err(&mut keep).ok());
        let hierarchies = organisation
            .as_ref()
            .and_then(|organisation| hierarchies(&content, organisation).map_err(&mut keep).ok());
        let catalogue = catalogue(&content, settings.as_ref(), &mut keep);
        let frameworks = frameworks().map_err(&mut keep).unwrap_or_default();
        keep(check_context(catalogue.as_ref(), &frameworks));
        let programme = programme(&content).map_err(&mut keep).ok();
        let kinds = Kinds::with(&content.below(KINDS_FOLDER))
            .map_err(&mut keep)
            .ok();
        let sources = kinds
            .as_ref()
            .and_then(|kinds| sources(&content, kinds).map_err(&mut keep).ok());
        let codes = organisation
            .as_ref()
            .and_then(|organisation| codes::codes(&content, organisation).map_err(&mut keep).ok());
        if let (Some(programme), Some(catalogue), Some(organisation), Some(calendars)) =
            (&programme, &catalogue, &organisation, &calendars)
        {
            keep(programme.check(catalogue, organisation, calendars));
        }
        let mut expressions = None;
        if let (Some(settings), Some(catalogue)) = (&settings, &catalogue) {
            let calendars = calendars
                .clone()
                .unwrap_or_else(|| settings.calendar.clone().into());
            let compiler = SqlExpressions::new(calendars, settings.zone.clone());
            keep(content.check(catalogue, &compiler));
            keep(settings.journal_url(&root).err().into_iter().collect());
            for source in sources.iter().flatten() {
                keep(check_source(
                    source,
                    catalogue,
                    organisation.as_ref(),
                    &compiler,
                ));
            }
            expressions = Some(compiler);
        }
        let mappings = settings
            .as_ref()
            .zip(codes.as_ref())
            .map(|(settings, codes)| {
                let calendars = calendars
                    .clone()
                    .unwrap_or_else(|| settings.calendar.clone().into());
                SqlExpressions::with_codes(calendars, settings.zone.clone(), codes.clone())
            });
        if let Some(mappings) = &mappings {
            let all = sources.iter().flatten();
            keep(
                all.flat_map(|source| check_mapping(source, mappings))
                    .collect(),
            );
        }
        match (
            settings,
            organisation.zip(hierarchies).zip(calendars),
            catalogue.zip(programme),
            kinds.zip(sources).zip(codes).zip(mappings).zip(expressions),
            problems.is_empty(),
        ) {
            (
                Some(settings),
                Some(((organisation, hierarchies), calendars)),
                Some((catalogue, programme)),
                Some(((((kinds, sources), codes), mappings), expressions)),
                true,
            ) => Ok(Self {
                expressions: Arc::new(expressions),
                engine: OnceLock::new(),
                database: Arc::default(),
                place: OnceLock::new(),
                root,
                settings,
                calendars,
                organisation: Arc::new(organisation),
                hierarchies: Arc::new(hierarchies),
                catalogue: Arc::new(catalogue),
                programme: Arc::new(programme),
                frameworks,
                kinds,
                sources,
                mappings: Arc::new(mappings),
                codes: Arc::new(codes),
                content,
            }),
            _ => Err(Error::Problems { problems }),
        }
    }

    /// Opens the journal; with `Opening::Create`, makes it where there is none.
    ///
    /// # Errors
    /// It cannot be used, or is of a newer format.
    pub async fn journal(&self, opening: Opening) -> Result<Journal> {
        let state = self.root.join(STATE_FOLDER);
        let place = if let Some(place) = self.place.get() {
            place
        } else {
            let place = self.open_place(&self.settings.object_store.reading(&state))?;
            self.place.get_or_init(|| Box::new(place))
        };
        Box::pin(self.journal_at(place, opening)).await
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
        let engine = Engine::new(Setting {
            calendars: self.calendars.clone(),
            zone: self.settings.zone.clone(),
            catalogue: Arc::clone(&self.catalogue),
            organisation: Arc::clone(&self.organisation),
            hierarchies: Arc::clone(&self.hierarchies),
            programme: Arc::clone(&self.programme),
            cubes: Some(self.root.join(STATE_FOLDER).join("cubes")),
            remembers: false,
        });
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

/// The first number of an organisation's own KPIs.
const FIRST_OWN_NO: u32 = 1_000;

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

/// The frameworks, in the order in which they are named.
fn frameworks() -> std::result::Result<Vec<Framework>, Vec<Problem>> {
    let mut found = Vec::new();
    for (file, text) in shipped::frameworks() {
        found.push(Framework::read(&file, &text)?);
    }
    found.sort_by_key(|of| framework::CODES.iter().position(|code| *code == of.code));
    Ok(found)
}

fn check_context(catalogue: Option<&Catalogue>, frameworks: &[Framework]) -> Vec<Problem> {
    catalogue.map_or_else(Vec::new, |of| of.check_context(frameworks))
}

/// The definitions. Where something is wrong with them, what could be read is looked through for what else is.
fn catalogue(
    content: &Content,
    settings: Option<&Settings>,
    keep: &mut dyn FnMut(Vec<Problem>),
) -> Option<Catalogue> {
    let mut datasets = content.below(&format!("{}/datasets", shipped::ORIGIN));
    let mut kpis = content.below(&format!("{}/catalogue", shipped::ORIGIN));
    let mut problems = Vec::new();
    datasets.extend(content.below(DATASETS_FOLDER));
    let own_kpis = content.below(KPIS_FOLDER);
    for (file, text) in &own_kpis {
        if let Some(kpi) = read_kpi(file, text)
            .ok()
            .filter(|kpi| kpi.no < FIRST_OWN_NO)
        {
            let problem = Problem::new(
                Place::file(file),
                Text::new(
                    format!("番号 {} は公開カタログのために予約されています", kpi.no),
                    format!("the number {} is kept for the published catalogue", kpi.no),
                ),
            );
            problems.push(problem.hint(Text::new(
                format!("自組織のKPIには{FIRST_OWN_NO}以上の番号を付けてください"),
                format!("an organisation's own KPIs have numbers from {FIRST_OWN_NO}"),
            )));
        }
    }
    kpis.extend(own_kpis);
    let is_sound = problems.is_empty();
    keep(problems);
    match Catalogue::read_in_part(&datasets, &kpis) {
        Ok(catalogue) => Some(catalogue).filter(|_| is_sound),
        Err(mut faulty) => {
            keep(std::mem::take(&mut faulty.problems));
            if let Some(settings) = settings {
                let (calendar, zone) = (settings.calendar.clone(), settings.zone.clone());
                keep(faulty.check(&SqlExpressions::new(calendar, zone)));
            }
            None
        }
    }
}

fn hierarchies(
    content: &Content,
    organisation: &Organisation,
) -> std::result::Result<Vec<Hierarchy>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut hierarchies = Vec::new();
    for (file, text) in content.below(HIERARCHIES_FOLDER) {
        let name = Path::new(&file).file_stem().unwrap_or_default();
        match Hierarchy::read(&name.to_string_lossy(), &file, &text, organisation) {
            Ok(hierarchy) => hierarchies.push(hierarchy),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() {
        Ok(hierarchies)
    } else {
        Err(problems)
    }
}

fn calendars(
    settings: &Settings,
    organisation: &Organisation,
) -> std::result::Result<Calendars, Vec<Problem>> {
    let own = &settings.entity_calendars;
    let problems = Calendars::check(own, organisation);
    if problems.is_empty() {
        let group = settings.calendar.clone();
        Ok(Calendars::new(group, own.clone(), organisation))
    } else {
        Err(problems)
    }
}

fn programme(content: &Content) -> std::result::Result<Programme, Vec<Problem>> {
    content.get(PROGRAMME_FILE).map_or_else(
        || Ok(Programme::default()),
        |text| read_programme(PROGRAMME_FILE, text),
    )
}

fn sources(content: &Content, kinds: &Kinds) -> std::result::Result<Vec<Source>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut sources = Vec::new();
    for (file, text) in content.below(SOURCES_FOLDER) {
        match read_source(&file, &text, kinds) {
            Ok(source) => sources.push(source),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() {
        Ok(sources)
    } else {
        Err(problems)
    }
}

fn check_source(
    source: &Source,
    catalogue: &Catalogue,
    organisation: Option<&Organisation>,
    expressions: &SqlExpressions,
) -> Vec<Problem> {
    let Some(dataset) = catalogue.datasets.get(&source.dataset) else {
        let names = catalogue.datasets.keys().map(String::as_str);
        let problem = Problem::new(
            Place::file(&source.file),
            Text::new(
                format!("データ種別 `{}` はありません", source.dataset),
                format!("unknown dataset `{}`", source.dataset),
            ),
        );
        return vec![problem.hint(suggestion(&source.dataset, names))];
    };
    let mut problems = source.check(dataset);
    if let Some(predicate) = &source.scope.predicate {
        let sql = Located {
            value: predicate.clone(),
            place: source.scope_place.clone(),
        };
        if let Err(error) = expressions.compile(&sql.value, &full_schema(dataset)) {
            problems.push(error.into_problem(&sql));
        }
    }
    if i32::try_from(source.precedence).is_err() {
        let problem = Problem::new(
            Place::file(&source.file),
            Text::new(
                format!("`precedence` が大きすぎます: {}", source.precedence),
                format!("`precedence` is too large: {}", source.precedence),
            ),
        );
        problems.push(problem.hint(Text::new(
            "小さい方が優先されます。既定は100です",
            "the lower wins; 100 is the default",
        )));
    }
    if let Some(organisation) = organisation {
        let ids = organisation.rows().iter().map(|unit| unit.id.as_str());
        for (id, key) in source.covers.iter().map(|id| (id, "covers")).chain(
            source
                .scope
                .org_units
                .iter()
                .map(|id| (id, "scope.org_units")),
        ) {
            if !ids.clone().any(|known| known == id) {
                let problem = Problem::new(
                    Place::file(&source.file),
                    Text::new(
                        format!("`{key}` に存在しない組織があります: {id}"),
                        format!("`{key}` names an unknown org unit: {id}"),
                    ),
                );
                problems.push(problem.hint(suggestion(id, ids.clone())));
            }
        }
    }
    problems
}
