//! The texts of a workspace become one. Its definitions, and what its evidence comes by, are read at the same time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use keiki_engine::expressions::{Codes, SqlExpressions};
use keiki_ingest::sample::check_mapping;
use keiki_ingest::{Kinds, Source, read_source};
use keiki_model::calendars::Calendars;
use keiki_model::catalogue::{Catalogue, full_schema};
use keiki_model::document::Located;
use keiki_model::expression::Expressions;
use keiki_model::framework::{self, Framework};
use keiki_model::kpi::read_kpi;
use keiki_model::org::{Hierarchy, Organisation};
use keiki_model::parallel::at_once;
use keiki_model::problem::{Place, Problem};
use keiki_model::programme::{PROGRAMME_FILE, Programme, read_programme};
use keiki_model::text::Text;

use super::{
    Content, DATASETS_FOLDER, HIERARCHIES_FOLDER, KINDS_FOLDER, KPIS_FOLDER, ORG_FILE,
    SOURCES_FOLDER, Settings, Workspace, codes, settings, shipped, suggestion,
};
use crate::error::{Error, Result};

/// The first number of an organisation's own KPIs.
const FIRST_OWN_NO: u32 = 1_000;

impl Workspace {
    pub(super) fn from_content(
        root: PathBuf,
        content: Content,
        mut problems: Vec<Problem>,
    ) -> Result<Self> {
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
        // Where entities' own calendars are at fault, expressions are checked by that of the group.
        let known = calendars.clone();
        let known = known.or_else(|| settings.as_ref().map(|of| of.calendar.clone().into()));
        let ground = settings.as_ref().zip(known);
        let ((catalogue, faults), (ways, frameworks)) = at_once(
            || catalogue(&content, settings.as_ref()),
            || {
                let ways = Ways::read(&content, organisation.as_ref(), ground.as_ref());
                (ways, frameworks())
            },
        );
        keep(faults);
        let frameworks = frameworks.map_err(&mut keep).unwrap_or_default();
        keep(check_context(catalogue.as_ref(), &frameworks));
        let programme = programme(&content).map_err(&mut keep).ok();
        keep(ways.faults);
        if let (Some(programme), Some(catalogue), Some(organisation), Some(calendars)) =
            (&programme, &catalogue, &organisation, &calendars)
        {
            keep(programme.check(catalogue, organisation, calendars));
        }
        let mut expressions = None;
        if let Some(((settings, calendars), catalogue)) = ground.as_ref().zip(catalogue.as_ref()) {
            let compiler = SqlExpressions::new(calendars.clone(), settings.zone.clone());
            keep(content.check(catalogue, &compiler));
            keep(settings.journal_url(&root).err().into_iter().collect());
            let tree = organisation.as_ref();
            for source in ways.sources.iter().flatten() {
                keep(check_source(source, catalogue, tree, &compiler));
            }
            expressions = Some(compiler);
        }
        keep(ways.misfits);
        let (kinds, sources) = (ways.kinds, ways.sources);
        match (
            settings,
            organisation.zip(hierarchies).zip(calendars),
            catalogue.zip(programme),
            kinds
                .zip(sources)
                .zip(ways.codes)
                .zip(ways.mappings)
                .zip(expressions),
            problems.is_empty(),
        ) {
            (
                Some(settings),
                Some(((organisation, hierarchies), calendars)),
                Some((catalogue, programme)),
                Some(((((kinds, sources), codes), mappings), expressions)),
                true,
            ) => Ok(Self {
                remembers: 0,
                expressions: Arc::new(expressions),
                engine: OnceLock::new(),
                database: Arc::default(),
                place: OnceLock::new(),
                journal: OnceLock::new(),
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
}

/// What evidence comes by, each as far as it could be read.
struct Ways {
    kinds: Option<Kinds>,
    sources: Option<Vec<Source>>,
    codes: Option<Codes>,
    mappings: Option<SqlExpressions>,
    /// What could not be read.
    faults: Vec<Problem>,
    /// What is wrong with mappings.
    misfits: Vec<Problem>,
}

impl Ways {
    fn read(
        content: &Content,
        organisation: Option<&Organisation>,
        ground: Option<&(&Settings, Calendars)>,
    ) -> Self {
        let mut faults = Vec::new();
        let mut keep = |found: Vec<Problem>| faults.extend(found);
        let kinds = Kinds::with(&content.below(KINDS_FOLDER));
        let kinds = kinds.map_err(&mut keep).ok();
        let sources = kinds
            .as_ref()
            .and_then(|kinds| sources(content, kinds).map_err(&mut keep).ok());
        let codes = organisation
            .and_then(|organisation| codes::codes(content, organisation).map_err(&mut keep).ok());
        let mappings = ground.zip(codes.as_ref());
        let mappings = mappings.map(|((settings, calendars), codes)| {
            let (calendars, zone) = (calendars.clone(), settings.zone.clone());
            SqlExpressions::with_codes(calendars, zone, codes.clone())
        });
        let misfits = mappings.as_ref().map_or_else(Vec::new, |mappings| {
            let all = sources.iter().flatten();
            all.flat_map(|source| check_mapping(source, mappings))
                .collect()
        });
        Self {
            kinds,
            sources,
            codes,
            mappings,
            faults,
            misfits,
        }
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
fn catalogue(content: &Content, settings: Option<&Settings>) -> (Option<Catalogue>, Vec<Problem>) {
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
    let catalogue = match Catalogue::read_in_part(&datasets, &kpis) {
        Ok(catalogue) => Some(catalogue).filter(|_| is_sound),
        Err(mut faulty) => {
            problems.append(&mut faulty.problems);
            if let Some(settings) = settings {
                let (calendar, zone) = (settings.calendar.clone(), settings.zone.clone());
                problems.extend(faulty.check(&SqlExpressions::new(calendar, zone)));
            }
            None
        }
    };
    (catalogue, problems)
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
