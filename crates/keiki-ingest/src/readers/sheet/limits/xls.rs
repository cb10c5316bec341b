//! How many cells a workbook of the form `.xls` makes its reader hold: of each sheet those from the first to the last, or as many
//! as it says of itself.
//!
//! *Source*: MS-CFB sections 2.2 to 2.6; MS-XLS sections 2.1.4, 2.4.28 (`BoundSheet8`) and 2.4.90 (`Dimensions`).

use std::collections::BTreeMap;

/// Sector numbers from here on are none.
const NO_SECTOR: u32 = 0xFFFF_FFFA;
/// Shorter streams lie in the small sectors of the root.
const SMALL_BYTES: usize = 4096;
const SMALL_SECTOR_BYTES: usize = 64;
/// The length of an entry of the directory.
const ENTRY_BYTES: usize = 128;

/// The number of cells; stops past the limit. *Shape*: 0 where it is no workbook, which is for its reader to say; `None` where
/// sectors name one another in a circle, since its reader would follow them for ever.
pub(super) fn cells(bytes: &[u8], limit: usize) -> Option<usize> {
    let Some(file) = Compound::read(bytes) else {
        return Some(0);
    };
    if file.is_endless {
        return None;
    }
    let streams = ["Workbook", "Book"].map(|name| file.stream(name));
    let weights = streams.into_iter().flatten();
    let weights = weights.map(|stream| weight(&stream, limit));
    Some(weights.max().unwrap_or(0))
}

/// A compound file.
struct Compound<'b> {
    bytes: &'b [u8],
    sector_bytes: usize,
    next: Vec<u32>,
    small_next: Vec<u32>,
    directory: Vec<u8>,
    /// Its sectors name one another in a circle, or there are more tables of them than sectors.
    is_endless: bool,
}

impl<'b> Compound<'b> {
    fn read(bytes: &'b [u8]) -> Option<Self> {
        let sector_bytes = match u16_at(bytes, 30)? {
            9 => 512,
            12 => 4096,
            _ => return None,
        };
        let mut file = Self {
            bytes,
            sector_bytes,
            next: Vec::new(),
            small_next: Vec::new(),
            directory: Vec::new(),
            is_endless: false,
        };
        let mut tables = numbers(bytes.get(76..512)?);
        let mut more = u32_at(bytes, 68)?;
        for _ in 0..file.sector_count() {
            if more >= NO_SECTOR {
                break;
            }
            tables.extend(numbers(file.sector(more)?));
            more = tables.pop()?;
        }
        tables.retain(|table| *table < NO_SECTOR);
        file.is_endless = more < NO_SECTOR || tables.len() > file.sector_count();
        if file.is_endless {
            return Some(file);
        }
        for table in tables {
            let numbers = numbers(file.sector(table).unwrap_or_default());
            file.next.extend(numbers);
        }
        file.is_endless = has_circle(&file.next);
        file.directory = file.chain(u32_at(bytes, 48)?, usize::MAX);
        file.small_next = numbers(&file.chain(u32_at(bytes, 60)?, usize::MAX));
        Some(file)
    }

    fn sector_count(&self) -> usize {
        self.bytes.len() / self.sector_bytes
    }

    /// A sector; the last may be cut short.
    fn sector(&self, number: u32) -> Option<&'b [u8]> {
        let start = (number as usize + 1).checked_mul(self.sector_bytes)?;
        let end = (start + self.sector_bytes).min(self.bytes.len());
        self.bytes.get(start..end)
    }

    /// The bytes of a chain of sectors.
    fn chain(&self, first: u32, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut number = first;
        for _ in 0..=self.sector_count() {
            let Some(sector) = (number < NO_SECTOR).then(|| self.sector(number)).flatten() else {
                break;
            };
            bytes.extend_from_slice(sector);
            number = self.next.get(number as usize).copied().unwrap_or(NO_SECTOR);
        }
        bytes.truncate(length);
        bytes
    }

    /// The bytes of a stream.
    fn stream(&self, name: &str) -> Option<Vec<u8>> {
        let entries = self.directory.chunks_exact(ENTRY_BYTES);
        let named = |entry: &&[u8]| {
            let letters = entry[..64].chunks_exact(2).map(|pair| (pair[0], pair[1]));
            let letters = letters.take_while(|pair| *pair != (0, 0));
            letters.eq_by_letters(name)
        };
        let entry = entries.clone().find(named)?;
        let (first, length) = (u32_at(entry, 116)?, u32_at(entry, 120)? as usize);
        if length >= SMALL_BYTES {
            return Some(self.chain(first, length));
        }
        let root = entries.clone().next()?;
        let small = self.chain(u32_at(root, 116)?, u32_at(root, 120)? as usize);
        let mut bytes = Vec::new();
        let mut number = first;
        for _ in 0..=length / SMALL_SECTOR_BYTES {
            let start = (number as usize).checked_mul(SMALL_SECTOR_BYTES)?;
            let end = (start + SMALL_SECTOR_BYTES).min(small.len());
            let Some(sector) = small.get(start..end) else {
                break;
            };
            bytes.extend_from_slice(sector);
            let next = self.small_next.get(number as usize);
            number = next.copied().unwrap_or(NO_SECTOR);
        }
        bytes.truncate(length);
        Some(bytes)
    }
}

/// Tells whether a chain comes back to a sector where it has been.
fn has_circle(next: &[u32]) -> bool {
    // Of each sector the chain, counted from 1, on which it was first met; 0 = none yet.
    let mut met = vec![0_usize; next.len()];
    for first in 0..next.len() {
        let mut at = first;
        while let Some(chain) = met.get_mut(at) {
            if *chain == first + 1 {
                return true;
            }
            if *chain != 0 {
                break;
            }
            *chain = first + 1;
            at = next[at] as usize;
        }
    }
    false
}

/// Compares letters of two bytes with a name, whatever their case.
trait Letters {
    fn eq_by_letters(self, name: &str) -> bool;
}

impl<I: Iterator<Item = (u8, u8)>> Letters for I {
    fn eq_by_letters(self, name: &str) -> bool {
        let own = self.map(|(low, high)| (high == 0).then_some(low.to_ascii_lowercase()));
        own.eq(name.bytes().map(|byte| Some(byte.to_ascii_lowercase())))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let found = bytes.get(at..at + 2)?;
    Some(u16::from_le_bytes(found.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let found = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(found.try_into().ok()?))
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    let of = |four: &[u8]| u32_at(four, 0).unwrap_or(NO_SECTOR);
    bytes.chunks_exact(4).map(of).collect()
}

/// The records of a stream from a position on: type and data.
fn records(stream: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = stream;
    std::iter::from_fn(move || {
        let (kind, length) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
        let data = rest.get(4..4 + length)?;
        rest = &rest[4 + length..];
        Some((kind, data))
    })
}

const BOUND_SHEET: u16 = 0x0085;
const DIMENSIONS: u16 = 0x0200;
const BEGIN: u16 = 0x0809;
const END: u16 = 0x000A;
const MANY_NUMBERS: u16 = 0x00BD;
/// Records of one cell: formula, text and number in several forms.
const ONE_CELL: [u16; 8] = [
    0x0006, 0x00D6, 0x00FD, 0x0201, 0x0203, 0x0204, 0x0205, 0x027E,
];

/// The cells of all sheets that the stream names, each as often as it is named.
fn weight(stream: &[u8], limit: usize) -> usize {
    let mut known: BTreeMap<usize, usize> = BTreeMap::new();
    let mut all = 0_usize;
    for (kind, data) in records(stream) {
        match kind {
            END => break,
            BOUND_SHEET => {
                let at = u32_at(data, 0).map_or(usize::MAX, |at| at as usize);
                let sheet = stream.get(at..).unwrap_or_default();
                let weight = known.entry(at).or_insert_with(|| weight_of_sheet(sheet));
                all = all.saturating_add(*weight);
            }
            _ => {}
        }
        if all > limit {
            break;
        }
    }
    all
}

/// The cells of a sheet: what it says of itself, what lies between its first and last, or its records, whatever is most.
fn weight_of_sheet(sheet: &[u8]) -> usize {
    let (mut depth, mut count, mut said) = (0_usize, 0_usize, 0_usize);
    let mut rows: Option<(u16, u16)> = None;
    let mut columns: Option<(u16, u16)> = None;
    let widen = |span: Option<(u16, u16)>, at: u16| match span {
        Some((first, last)) => Some((first.min(at), last.max(at))),
        None => Some((at, at)),
    };
    for (kind, data) in records(sheet) {
        count += 1;
        match kind {
            BEGIN => depth += 1,
            END if depth <= 1 => break,
            END => depth -= 1,
            DIMENSIONS => said = said.max(area_said(data)),
            _ if ONE_CELL.contains(&kind) || kind == MANY_NUMBERS => {
                let (Some(row), Some(column)) = (u16_at(data, 0), u16_at(data, 2)) else {
                    continue;
                };
                rows = widen(rows, row);
                columns = widen(columns, column);
                if kind == MANY_NUMBERS
                    && let Some(last) = data.len().checked_sub(2).and_then(|at| u16_at(data, at))
                {
                    columns = widen(columns, last);
                }
            }
            _ => {}
        }
    }
    let length =
        |span: Option<(u16, u16)>| span.map_or(0, |(first, last)| usize::from(last - first) + 1);
    let area = length(rows).saturating_mul(length(columns));
    area.max(said).max(count)
}

/// The area that a sheet says it has: rows in two or four bytes, columns in two.
fn area_said(data: &[u8]) -> usize {
    let wide = |at| u32_at(data, at).map(|row| row as usize);
    let short = |at| u16_at(data, at).map(usize::from);
    let (rows, columns) = if data.len() >= 12 {
        ((wide(0), wide(4)), (short(8), short(10)))
    } else {
        ((short(0), short(2)), (short(4), short(6)))
    };
    let length = |(first, last): (Option<usize>, Option<usize>)| {
        last.unwrap_or(0).saturating_sub(first.unwrap_or(0)).max(1)
    };
    length(rows).saturating_mul(length(columns))
}
