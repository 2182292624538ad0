//! The shape of an LMDB file, checked before LMDB maps it.
//!
//! LMDB trusts its pages: garbled ones lead it out of the map (SIGBUS, SIGSEGV), to wrong rows, or
//! to overwrite pages that are in use. This walk reads the file with plain reads and finds all that
//! it can know without knowing what rows mean: meta pages, page numbers and flags, bounds of nodes,
//! order of keys, depth, the counts that each table keeps of itself, and that every page up to the
//! last is in use or free, exactly once. What rows say is sealed ([`super::table`]).
//!
//! What it costs: 600 MB/s of a file whose rows fill their pages, from memory, on one core of a busy
//! machine and in a build for tests (`state_store::tests::cost`); a disk may be slower. Of rows that
//! take pages of their own, as large blocks do, it reads the first only. So each start checks files of
//! up to 8 GiB, which takes some 14 seconds at that rate; larger ones after a crash, and by `verify`.
//!
//! The format (`mdb.c`, data version 1): a page begins with its number (8 bytes), padding (2), flags
//! (2), and the lower and upper bound of its free space (2 + 2), or its count of pages if it is an
//! overflow page (4). Offsets of nodes (2 each) follow up to the lower bound; nodes stand from the
//! upper bound on: size of data or child page (2 + 2), flags (2), size of key (2), key, data.
use super::error::StoreError;
use crate::private::{self, FileError};
use lockstep_protocol::types::Height;
use node::{Node, TREE_BYTES, Tree, nodes, tree_of, u16_at, u32_at, u64_at};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

mod node;

const MAGIC: u32 = 0xBEEF_C0DE;
const DATA_VERSION: u32 = 1;
const HEADER_BYTES: usize = 16;
const META_BYTES: usize = 136;
const NO_PAGE: u64 = u64::MAX;
/// LMDB's own limit on the depth of a tree.
const DEPTH_MAX: u16 = 32;

const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const OVERFLOW: u16 = 0x04;
const META: u16 = 0x08;
const BIG_DATA: u16 = 0x01;
const SUB_DATABASE: u16 = 0x02;
const INTEGER_KEY: u16 = 0x08;

/// Tables whose keys begin with a height.
const BY_HEIGHT: [&str; 4] = ["blocks", "certificates", "receipts", "proposed"];

/// Checks the file at `path`; returns how many pages it has in use.
pub(super) fn check(path: &Path) -> Result<u64, StoreError> {
    let failed = |error| StoreError::io(format!("read {}", path.display()), &error);
    let file = private::open_named(path).map_err(|error| match error {
        FileError::System(error) => failed(error),
        FileError::Unfit(_) => StoreError::corrupt("it is no file"),
    })?;
    let bytes = file.metadata().map_err(failed)?.len();
    if bytes == 0 {
        return Ok(0); // LMDB begins a new database in it; whoever expects one says that it is gone
    }
    let mut walk = Walk::begin(&file, bytes)?;
    let (free, main) = (walk.free, walk.main);
    walk.tree("its free list", free, &mut |walk, _, flags, data| {
        walk.free_pages(flags, &data)
    })?;
    walk.tree("its list of tables", main, &mut |walk, key, flags, data| {
        if flags != SUB_DATABASE || data.len() != TREE_BYTES {
            return Err(String::from("a row is no table"));
        }
        walk.tables
            .push((String::from_utf8_lossy(key).into(), tree_of(&data, 0)));
        Ok(())
    })?;
    for (name, tree) in std::mem::take(&mut walk.tables) {
        walk.tree(&name, tree, &mut |_, _, flags, _| match flags {
            0 | BIG_DATA => Ok(()),
            _ => Err(format!("a row has flags {flags:#x}")),
        })?;
    }
    walk.all_pages()
}

struct Walk<'a> {
    file: &'a File,
    page_bytes: usize,
    last_page: u64,
    free: Tree,
    main: Tree,
    tables: Vec<(String, Tree)>,
    /// One bit per page that is in use or free.
    seen: Vec<u64>,
    used: u64,
}

type Row<'r, 'a> = dyn FnMut(&mut Walk<'a>, &[u8], u16, Vec<u8>) -> Result<(), String> + 'r;

/// Where in a tree the walk is.
struct Cursor<'n> {
    table: &'n str,
    counted: Tree,
    last_key: Vec<u8>,
    /// The newest separator: no row that follows is below it, or a search would miss that row.
    floor: Vec<u8>,
    integer_keys: bool,
}

impl<'a> Walk<'a> {
    fn begin(file: &'a File, bytes: u64) -> Result<Walk<'a>, StoreError> {
        let corrupt = |what: &str| StoreError::corrupt(format!("its meta pages: {what}"));
        let mut first = [0; META_BYTES + HEADER_BYTES];
        let read = file.read_exact_at(&mut first, 0);
        read.map_err(|_| corrupt("the file is too short for a database"))?;
        let page_bytes = u32_at(&first, HEADER_BYTES + 24) as usize;
        if !(512..=65_536).contains(&page_bytes) || !page_bytes.is_power_of_two() {
            return Err(corrupt(
                "no database of this node (its page size is impossible)",
            ));
        }
        let mut metas = [first, first];
        file.read_exact_at(&mut metas[1], page_bytes as u64)
            .map_err(|_| corrupt("the second one is missing"))?;
        for (number, meta) in metas.iter().enumerate() {
            let fits = u64_at(meta, 0) == number as u64
                && u16_at(meta, 10) == META
                && u32_at(meta, HEADER_BYTES) == MAGIC
                && u32_at(meta, HEADER_BYTES + 4) == DATA_VERSION
                && u32_at(meta, HEADER_BYTES + 24) as usize == page_bytes;
            if !fits {
                return Err(corrupt("one is garbled"));
            }
        }
        let transaction = metas.map(|meta| u64_at(&meta, HEADER_BYTES + 128));
        let newest = usize::from(transaction[1] > transaction[0]);
        let begun = transaction[newest] > 0;
        if begun && (transaction[0].abs_diff(transaction[1]) != 1 || transaction[0] % 2 != 0) {
            return Err(corrupt("their transactions do not follow each other"));
        }
        let meta = &metas[newest][HEADER_BYTES..];
        let (last_page, map_bytes) = (u64_at(meta, 120), u64_at(meta, 16));
        let (free, main) = (tree_of(meta, 24), tree_of(meta, 72));
        // A file may end before its last page: pages that are freed at once are never written.
        let pages_max = (bytes / page_bytes as u64).saturating_mul(4).max(1 << 16);
        if last_page < 1 || last_page >= pages_max.min(map_bytes / page_bytes as u64) {
            return Err(corrupt("the last page is impossible"));
        }
        // Environment flags of whoever wrote last stand beside the flag of the free list.
        let free = Tree {
            flags: free.flags & INTEGER_KEY,
            ..free
        };
        let seen = vec![0; usize::try_from(last_page / 64 + 1).unwrap_or(usize::MAX)];
        let tables = Vec::new();
        let used = 0;
        Ok(Walk {
            file,
            page_bytes,
            last_page,
            free,
            main,
            tables,
            seen,
            used,
        })
    }

    /// Walks one tree and compares it with its record.
    fn tree(&mut self, table: &str, tree: Tree, row: &mut Row<'_, 'a>) -> Result<(), StoreError> {
        let integer_keys = tree.flags == INTEGER_KEY;
        let mut cursor = Cursor {
            table,
            counted: Tree {
                flags: tree.flags,
                root: tree.root,
                ..Tree::default()
            },
            last_key: Vec::new(),
            floor: Vec::new(),
            integer_keys,
        };
        let expects = if table == "its free list" {
            INTEGER_KEY
        } else {
            0
        };
        let walked = if tree.flags != expects {
            Err(format!("its flags are {:#x}", tree.flags))
        } else if tree.root == NO_PAGE {
            Ok(())
        } else {
            cursor.counted.depth = tree.depth;
            self.page(&mut cursor, tree.root, 1, row)
        };
        let walked = walked.and_then(|()| {
            let same = cursor.counted == tree;
            same.then_some(())
                .ok_or_else(|| format!("it holds {:?}, its record says {tree:?}", cursor.counted))
        });
        walked.map_err(|what| {
            let error = StoreError::corrupt(format!("table {table}: {what}"));
            match cursor.last_key.first_chunk::<8>() {
                _ if !BY_HEIGHT.contains(&table) => error,
                None => error.at(Height(1)),
                Some(last) => error.at(Height(u64::from_be_bytes(*last)).next()),
            }
        })
    }

    fn page(
        &mut self,
        cursor: &mut Cursor<'_>,
        number: u64,
        level: u16,
        row: &mut Row<'_, 'a>,
    ) -> Result<(), String> {
        let page = self.take(number, 1)?;
        let flags = u16_at(&page, 10);
        let is_leaf = level == cursor.counted.depth;
        if level > DEPTH_MAX || flags != if is_leaf { LEAF } else { BRANCH } {
            return Err(format!(
                "page {number} has flags {flags:#x} at level {level}"
            ));
        }
        let count = if is_leaf {
            &mut cursor.counted.leaves
        } else {
            &mut cursor.counted.branches
        };
        *count += 1;
        for (index, node) in nodes(&page, is_leaf)
            .map_err(|what| format!("page {number}: {what}"))?
            .into_iter()
            .enumerate()
        {
            if is_leaf {
                self.leaf_row(cursor, &node, row)
                    .map_err(|what| format!("page {number}: {what}"))?;
            } else {
                // The first key of a branch stands for everything below the second.
                if index > 0 {
                    if !cursor.follows_all(node.key) {
                        return Err(format!("page {number}: its keys do not rise"));
                    }
                    cursor.floor = node.key.to_vec();
                }
                self.page(cursor, node.child, level + 1, row)?;
            }
        }
        Ok(())
    }

    fn leaf_row(
        &mut self,
        cursor: &mut Cursor<'_>,
        node: &Node<'_>,
        row: &mut Row<'_, 'a>,
    ) -> Result<(), String> {
        let is_first = cursor.counted.entries == 0;
        if !(is_first || cursor.follows_all(node.key)) || cursor.less(node.key, &cursor.floor) {
            return Err(String::from("its keys do not rise"));
        }
        cursor.counted.entries += 1;
        let mut data = node.data.to_vec();
        if node.flags & BIG_DATA != 0 {
            let first = u64_at(node.data, 0);
            let pages = (HEADER_BYTES - 1 + node.data_bytes) / self.page_bytes + 1;
            let head = self.take(first, pages as u64)?;
            if u16_at(&head, 10) != OVERFLOW || u32_at(&head, 12) as usize != pages {
                return Err(format!("overflow page {first} is another"));
            }
            cursor.counted.overflows += pages as u64;
            if cursor.table == "its free list" {
                data = vec![0; node.data_bytes];
                let at = first * self.page_bytes as u64 + HEADER_BYTES as u64;
                let read = self.file.read_exact_at(&mut data, at);
                read.map_err(|_| format!("page {first} is beyond the end of the file"))?;
            }
        }
        row(self, node.key, node.flags, data)?;
        cursor.last_key = node.key.to_vec();
        Ok(())
    }

    /// A record of the free list: a count, then so many pages.
    fn free_pages(&mut self, flags: u16, data: &[u8]) -> Result<(), String> {
        let count = if data.len() < 8 { 0 } else { u64_at(data, 0) };
        if flags & !BIG_DATA != 0 || data.len() < 8 || count > (data.len() / 8 - 1) as u64 {
            return Err(String::from("a record of free pages is garbled"));
        }
        data[8..]
            .chunks_exact(8)
            .take(usize::try_from(count).unwrap_or(usize::MAX))
            .try_for_each(|page| self.mark(u64_at(page, 0)))
    }

    /// Reads the first of `count` pages, which nobody else may hold.
    fn take(&mut self, number: u64, count: u64) -> Result<Vec<u8>, String> {
        for page in number..number.saturating_add(count) {
            self.mark(page)?;
        }
        self.used += count;
        let mut page = vec![0; self.page_bytes];
        let at = number * self.page_bytes as u64;
        let read = self.file.read_exact_at(&mut page, at);
        read.map_err(|_| format!("page {number} is beyond the end of the file"))?;
        if u64_at(&page, 0) == number {
            Ok(page)
        } else {
            Err(format!("page {number} names itself {}", u64_at(&page, 0)))
        }
    }

    fn mark(&mut self, page: u64) -> Result<(), String> {
        if !(2..=self.last_page).contains(&page) {
            return Err(format!("there is no page {page}"));
        }
        let word = (page / 64) as usize;
        let bit = 1 << (page % 64);
        if self.seen[word] & bit != 0 {
            return Err(format!("page {page} is used twice, or free and used"));
        }
        self.seen[word] |= bit;
        Ok(())
    }

    fn all_pages(&self) -> Result<u64, StoreError> {
        let marked: u64 = self
            .seen
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum();
        let lost = (self.last_page - 1) - marked;
        if lost == 0 {
            return Ok(self.used);
        }
        let what = format!("{lost} pages are neither free nor in use");
        Err(StoreError::corrupt(what))
    }
}

impl Cursor<'_> {
    /// Whether `key` comes after all rows so far.
    fn follows_all(&self, key: &[u8]) -> bool {
        self.less(&self.last_key, key)
    }

    /// In the order of the table. A key of a length that the table cannot hold is in no order.
    fn less(&self, a: &[u8], b: &[u8]) -> bool {
        if self.integer_keys && !b.is_empty() {
            let number = |key: &[u8]| key.try_into().map(u64::from_le_bytes);
            return matches!((number(a), number(b)), (Ok(a), Ok(b)) if a < b);
        }
        a < b
    }
}

#[cfg(test)]
mod tests;
