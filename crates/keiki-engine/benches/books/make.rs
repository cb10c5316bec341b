//! The journal that is measured: evidence of all datasets that the catalogue's KPIs read.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use keiki_model::calendar::Day;

use super::evidence::{asset_rows, milestone_rows, vulnerability_rows};
use super::others::{OTHERS, other_rows, plan_rate_rows};
use super::{Outcome, UNITS, World, asset_changes, asset_count, commit, millions, open, start};

/// How many records these datasets have for each million of entries, beside the register of assets.
const VULNERABILITIES: usize = 160_000;
const MILESTONES: usize = 40_000;

/// How many rows are taken in at a time at most, so that a large journal is made in bounded memory.
const ROWS_AT_ONCE: usize = 1_000_000;

/// Makes a journal of as many million entries as are asked for.
pub(crate) async fn make(folder: &Path) -> Outcome<()> {
    if folder.join("journal").exists() {
        std::fs::remove_dir_all(folder.join("journal"))?;
    }
    let world = open(folder).await?;
    let began = Instant::now();
    let on = make_assets(&world).await?;
    make_vulnerabilities(&world, on).await?;
    make_milestones(&world, on).await?;
    make_others(&world, on).await?;
    println!("entered_seconds {:.1}", began.elapsed().as_secs_f64());
    let datasets: Vec<_> = world.catalogue.datasets.values().cloned().collect();
    world.journal.compact(&datasets).await?;
    println!("make_seconds {:.1}", began.elapsed().as_secs_f64());
    Ok(())
}

/// A register of which each of twenty readings changes a tenth. Gives the day of the last one.
async fn make_assets(world: &World) -> Outcome<Day> {
    let assets = Arc::clone(&world.catalogue.datasets["assets"]);
    let all: Vec<usize> = (0..asset_count()).collect();
    for (part, numbers) in all.chunks(ROWS_AT_ONCE).enumerate() {
        let rows = asset_rows(&assets, numbers, 0)?;
        commit(world, "assets", rows, start(), format!("0-{part}")).await?;
    }
    let mut on = start();
    for (turn, numbers) in (1..=20).zip(all.chunks(asset_changes()).cycle()) {
        on += 50;
        let rows = asset_rows(&assets, numbers, turn)?;
        commit(world, "assets", rows, on, turn.to_string()).await?;
    }
    Ok(on)
}

/// Vulnerabilities, half of which are then started, and half of these completed.
async fn make_vulnerabilities(world: &World, on: Day) -> Outcome<()> {
    let vulnerabilities = Arc::clone(&world.catalogue.datasets["vulnerabilities"]);
    let all: Vec<usize> = (0..VULNERABILITIES * millions()).collect();
    let (known, started) = (all.len().div_ceil(4), all.len().div_ceil(20));
    for (turn, numbers) in all.chunks(known.min(ROWS_AT_ONCE)).enumerate() {
        let rows = vulnerability_rows(&vulnerabilities, numbers, false)?;
        commit(world, "vulnerabilities", rows, on, format!("v{turn}")).await?;
    }
    for (turn, numbers) in all.chunks(started).take(10).enumerate() {
        let rows = vulnerability_rows(&vulnerabilities, numbers, true)?;
        commit(world, "vulnerabilities", rows, on, format!("w{turn}")).await?;
    }
    Ok(())
}

/// Milestones, half of which are then done.
async fn make_milestones(world: &World, on: Day) -> Outcome<()> {
    let milestones = Arc::clone(&world.catalogue.datasets["milestones"]);
    let all: Vec<usize> = (0..MILESTONES * millions()).collect();
    for (turn, numbers) in all.chunks(ROWS_AT_ONCE).enumerate() {
        let rows = milestone_rows(&milestones, numbers, false)?;
        commit(world, "milestones", rows, on, format!("m{turn}")).await?;
    }
    for (turn, numbers) in all[..all.len() / 2].chunks(ROWS_AT_ONCE).enumerate() {
        let rows = milestone_rows(&milestones, numbers, true)?;
        commit(world, "milestones", rows, on, format!("d{turn}")).await?;
    }
    Ok(())
}

/// Records of every other dataset that KPIs read, half of which are then said anew.
async fn make_others(world: &World, on: Day) -> Outcome<()> {
    let rates = plan_rate_rows(&world.catalogue.datasets["plan_rates"])?;
    commit(world, "plan_rates", rates, on, "rates".into()).await?;
    for (name, of_a_million) in OTHERS {
        let dataset = Arc::clone(&world.catalogue.datasets[name]);
        let count = match of_a_million {
            0 => UNITS,
            of_a_million => of_a_million * millions(),
        };
        let all: Vec<usize> = (0..count).collect();
        for (turn, numbers) in [(0, &all[..]), (1, &all[..count / 2])] {
            for (part, numbers) in numbers.chunks(ROWS_AT_ONCE).enumerate() {
                let rows = other_rows(&dataset, numbers, turn)?;
                commit(world, name, rows, on, format!("{name}{turn}-{part}")).await?;
            }
        }
    }
    Ok(())
}
