//! `fuzz`: reads changed copies of the fixtures for some seconds a target, with a stable compiler and from a seed.
//!
//! An input at which a target stops is kept below `fuzz/artifacts/<target>/`. cargo-fuzz looks longer and deeper, for it sees which
//! paths an input takes; this finds what breaks early, on every machine.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use keiki_fuzz::mutation::{Random, changed};
use keiki_fuzz::{Target, find, targets};

const USAGE: &str =
    "usage: fuzz [--seconds N] [--seed N] [TARGET..]    from the folder of the project";

/// An input that takes longer is a fault.
const INPUT_SECONDS: u64 = 60;

/// Inputs that are made from one another before a new one is taken.
const STEPS: usize = 6;

/// Most bytes of an input.
const INPUT_BYTES: usize = 256 << 10;

/// What fuzzing found before.
const FOUND: &str = "crates/keiki-ingest/tests/ingest/found";

/// The input that is being read.
static CURRENT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(wish) = Wish::read(&arguments) else {
        say(USAGE);
        return ExitCode::from(2);
    };
    let mut is_sound = true;
    for target in wish.targets {
        is_sound &= fuzz(target, Duration::from_secs(wish.seconds), wish.seed);
    }
    if is_sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

struct Wish {
    seconds: u64,
    seed: u64,
    targets: Vec<&'static Target>,
}

impl Wish {
    fn read(arguments: &[String]) -> Option<Self> {
        let mut wish = Self {
            seconds: 5,
            seed: 1,
            targets: Vec::new(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--seconds" => wish.seconds = arguments.next()?.parse().ok()?,
                "--seed" => wish.seed = arguments.next()?.parse().ok()?,
                name => wish.targets.push(find(name)?),
            }
        }
        if wish.targets.is_empty() {
            wish.targets = targets().iter().collect();
        }
        Some(wish)
    }
}

/// Reads changed seeds until the time is over. Tells whether the target held.
fn fuzz(target: &'static Target, time: Duration, seed: u64) -> bool {
    let mut seeds = seeds(&target.seeds());
    seeds.extend(found(target.name));
    if seeds.is_empty() {
        say(&format!("{}: nothing to begin with", target.name));
        return false;
    }
    let mut random = Random::new(seed);
    let begin = Instant::now();
    let mut inputs = 0_u64;
    let (done, waiting) = channel();
    let watch = std::thread::spawn(move || {
        let patience = Duration::from_secs(INPUT_SECONDS);
        loop {
            match waiting.recv_timeout(patience) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    keep(target, "takes more than a minute");
                    std::process::exit(1);
                }
            }
        }
    });
    let mut is_sound = true;
    'time: while begin.elapsed() < time {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(STEPS) {
            bytes = changed(&bytes, &mut random);
            bytes.truncate(INPUT_BYTES);
            if let Ok(mut current) = CURRENT.lock() {
                current.clone_from(&bytes);
            }
            inputs += 1;
            if catch_unwind(AssertUnwindSafe(|| target.read(&bytes))).is_err() {
                keep(target, "stops the program");
                is_sound = false;
                break 'time;
            }
            if done.send(()).is_err() || begin.elapsed() >= time {
                break;
            }
        }
    }
    drop(done);
    is_sound &= watch.join().is_ok();
    let seconds = begin.elapsed().as_secs();
    say(&format!("{}: {inputs} inputs in {seconds} s", target.name));
    is_sound
}

/// Keeps the input that is being read.
fn keep(target: &Target, fault: &str) {
    let bytes = CURRENT
        .lock()
        .map(|bytes| bytes.clone())
        .unwrap_or_default();
    let folder = Path::new("fuzz/artifacts").join(target.name);
    let mut number = 1;
    let mut path = folder.join("1");
    while path.exists() {
        number += 1;
        path = folder.join(number.to_string());
    }
    let kept = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, bytes));
    match kept {
        Ok(()) => say(&format!("{}: {} {fault}", target.name, path.display())),
        Err(error) => say(&format!(
            "{}: an input {fault}, and cannot be kept: {error}",
            target.name
        )),
    }
}

/// The inputs at which a target of that name once stopped.
fn found(target: &str) -> Vec<Vec<u8>> {
    let of_target = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.split_once('-').is_some_and(|(kind, _)| kind == target)
    };
    let entries = Path::new(FOUND).read_dir().into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| of_target(path));
    files.sort();
    files
        .iter()
        .filter_map(|path| std::fs::read(path).ok())
        .collect()
}

/// The files below folders, without what says how they are read.
fn seeds(below: &[PathBuf]) -> Vec<Vec<u8>> {
    let mut folders = below.to_vec();
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = folder.read_dir() else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("source.toml") && !path.ends_with("outcome.snap") {
                files.push(path);
            }
        }
    }
    files.sort();
    let read = files.iter().filter_map(|path| std::fs::read(path).ok());
    read.filter(|bytes| bytes.len() <= INPUT_BYTES).collect()
}

fn say(line: &str) {
    // Without standard error there is nobody to tell.
    drop(writeln!(std::io::stderr(), "{line}"));
}
