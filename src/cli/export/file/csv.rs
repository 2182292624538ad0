//! `csv:DIR`: a file for each table, and `chain.json`. The row of a block is written last, when the disk
//! has the rows of what is in it. So it says that the block is there; rows of later heights are cut off.
use super::super::line;
use super::super::rows::BlockRows;
use super::super::source::Chain;
use super::super::table::{BLOCKS, RECEIPTS, TABLES, TRANSACTIONS, Table};
use super::super::target::{Head, Standing, Target};
use super::tail::Line;
use super::{Grown, damaged, head_line, read_head, refuse};
use crate::failure::Failure;
use lockstep_protocol::types::Hash;
use std::path::{Path, PathBuf};

const CHAIN_FILE: &str = "chain.json";
/// Digits of a height, and the comma behind it.
const HEIGHT_BYTES_MAX: u64 = 21;

pub(in super::super) struct CsvTarget {
    dir: PathBuf,
    /// Locked as long as this lives.
    chain: Option<Grown>,
    /// In the order of [`TABLES`].
    tables: Vec<(Table, Grown)>,
}

impl CsvTarget {
    pub(in super::super) fn new(dir: &Path) -> CsvTarget {
        CsvTarget {
            dir: dir.to_owned(),
            chain: None,
            tables: Vec::new(),
        }
    }

    fn path(&self, table: &Table) -> PathBuf {
        self.dir.join(format!("{}.csv", table.name))
    }

    fn open_tables(&mut self) -> Result<(), Failure> {
        self.demand_all()?;
        for table in TABLES {
            let mut file = Grown::open(&self.path(&table), &self.dir)?;
            file.begin_with(&heading(&table))?;
            self.tables.push((table, file));
        }
        Ok(())
    }

    /// A kill at the beginning leaves some of the tables, without rows. Where others have rows, one
    /// was taken away, and with it what this export would not write again.
    fn demand_all(&self) -> Result<(), Failure> {
        let len = |table: &Table| self.path(table).metadata().map(|is| is.len()).ok();
        let has_rows = |table: &Table| len(table) > Some(heading(table).len() as u64);
        let gone = TABLES.iter().find(|table| len(table).is_none());
        match gone {
            Some(table) if TABLES.iter().any(has_rows) => Err(damaged(
                &self.path(table),
                &self.dir,
                "it is gone, and other tables have rows",
            )),
            _ => Ok(()),
        }
    }

    /// Height, id and count of transactions of the newest block.
    fn newest(&mut self) -> Result<Option<(u64, Hash, u64)>, Failure> {
        let Some((table, file)) = self.tables.last_mut() else {
            return Ok(None);
        };
        let above = heading(table).len() as u64;
        let end = file.cut_half_a_line(above)?;
        let Some(line) = file.line_before(end, above)? else {
            return Ok(None);
        };
        let wrong = || file.damaged("its last line is that of no block");
        newest(&line.text).ok_or_else(wrong).map(Some)
    }

    /// The table of blocks begins with the first block: what somebody has sorted is no export any more.
    fn demand_first(&mut self, first: u64) -> Result<(), Failure> {
        let Some((table, file)) = self.tables.last_mut() else {
            return Ok(());
        };
        let start = file.start(heading(table).len() as u64 + HEIGHT_BYTES_MAX)?;
        let row = start.split_once('\n').map_or("", |(_, row)| row);
        let height = row.split_once(',').map(|(height, _)| height.parse::<u64>());
        match height {
            Some(height) if height != Ok(first) => {
                Err(file.damaged("it does not begin with the first block"))
            }
            _ => Ok(()),
        }
    }

    /// Height and place of the newest transaction, as the table of blocks counts them.
    fn newest_full(&mut self) -> Result<Option<(u64, u64)>, Failure> {
        let Some((table, file)) = self.tables.last_mut() else {
            return Ok(None);
        };
        let above = heading(table).len() as u64;
        let mut end = file.cut_half_a_line(above)?;
        while let Some(Line { start, text }) = file.line_before(end, above)? {
            let row = newest(&text).ok_or_else(|| file.damaged("a line is no row"))?;
            if let (height, _, Some(last)) = (row.0, row.1, row.2.checked_sub(1)) {
                return Ok(Some((height, last)));
            }
            end = start;
        }
        Ok(None)
    }

    /// Cuts off the rows of heights that are not there, and looks whether the last one that stays is that
    /// of the newest transaction.
    fn cut(&mut self, height: u64, newest: Option<(u64, u64)>) -> Result<(), Failure> {
        for (table, file) in self.tables.iter_mut().filter(|(table, _)| *table != BLOCKS) {
            let last = cut_above(file, height, heading(table).len() as u64)?;
            if [TRANSACTIONS, RECEIPTS].contains(table) && last != newest {
                return Err(file.damaged("its last row is not that of the newest transaction"));
            }
        }
        Ok(())
    }
}

/// Cuts off rows above a height; height and place of the last row that stays.
fn cut_above(file: &mut Grown, height: u64, above: u64) -> Result<Option<(u64, u64)>, Failure> {
    let mut end = file.cut_half_a_line(above)?;
    let len = end;
    let mut last = None;
    while let Some(Line { start, text }) = file.line_before(end, above)? {
        let at = place(&text);
        let (of, place) = at.ok_or_else(|| file.damaged("a line is no row"))?;
        if of <= height {
            last = Some((of, place));
            break;
        }
        end = start;
    }
    if end < len {
        file.cut(end)?;
    }
    Ok(last)
}

impl Target for CsvTarget {
    fn name(&self) -> String {
        self.dir.display().to_string()
    }

    fn standing(&mut self, chain: &Chain) -> Result<Option<Standing>, Failure> {
        let made = std::fs::create_dir_all(&self.dir);
        made.map_err(|error| refuse("create", &self.dir, &error))?;
        let is_used = TABLES.iter().any(|table| self.path(table).exists());
        let path = self.dir.join(CHAIN_FILE);
        if is_used && !path.exists() {
            let what = "it is gone, and says of which chain the tables are";
            return Err(damaged(&path, &self.dir, what));
        }
        let file = Grown::open(&path, &self.dir)?;
        file.lock()?;
        let head = read_head(self.chain.insert(file))?;
        let Some(head) = head else {
            return match is_used {
                true => Err(Failure::usage(format!(
                    "{} holds tables and does not say of which chain: name another directory",
                    self.dir.display()
                ))),
                false => Ok(None),
            };
        };
        head.check(chain, &self.name())?;
        self.open_tables()?;
        let newest = self.newest()?;
        self.demand_first(head.first)?;
        let full = self.newest_full()?;
        self.cut(newest.map_or(0, |(height, ..)| height), full)?;
        Ok(Some(Standing {
            first: head.first,
            newest: newest.map(|(height, id, _)| (height, id)),
        }))
    }

    fn begin(&mut self, head: &Head) -> Result<(), Failure> {
        if let Some(file) = &mut self.chain {
            file.begin_with(&head_line(head)?)?;
        }
        self.open_tables()
    }

    fn put(&mut self, blocks: &[BlockRows]) -> Result<(), Failure> {
        for (table, file) in &mut self.tables {
            let mut lines = String::new();
            for row in blocks.iter().flat_map(|block| block.of(table)) {
                line::csv(row, &mut lines);
            }
            if !lines.is_empty() {
                file.append(&lines)?;
            }
        }
        Ok(())
    }
}

fn heading(table: &Table) -> String {
    table.names() + "\n"
}

/// Of a row of blocks, which has no text in quotes.
fn newest(line: &str) -> Option<(u64, Hash, u64)> {
    let cells: Vec<&str> = line.trim_end().split(',').collect();
    if cells.len() != BLOCKS.columns.len() {
        return None;
    }
    let place = |name| {
        BLOCKS
            .columns
            .iter()
            .position(|(column, _)| *column == name)
    };
    let (id, count) = (cells.get(place("id")?)?, cells.get(place("transactions")?)?);
    let height = cells.first()?;
    Some((height.parse().ok()?, id.parse().ok()?, count.parse().ok()?))
}

/// Height and place, which all other rows begin with.
fn place(line: &str) -> Option<(u64, u64)> {
    let mut cells = line.splitn(3, ',');
    Some((cells.next()?.parse().ok()?, cells.next()?.parse().ok()?))
}
