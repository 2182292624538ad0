//! `jsonl:FILE`: a line for the chain, then one for each block with all that is in it. A line is whole
//! or it is not there, so a block is.
use super::super::line;
use super::super::rows::BlockRows;
use super::super::source::Chain;
use super::super::target::{Head, Standing, Target};
use super::{Grown, head_line, read_head};
use crate::failure::Failure;
use lockstep_protocol::types::Hash;
use std::path::{Path, PathBuf};

pub(in super::super) struct JsonlTarget {
    path: PathBuf,
    file: Option<Grown>,
}

impl JsonlTarget {
    pub(in super::super) fn new(path: &Path) -> JsonlTarget {
        JsonlTarget {
            path: path.to_owned(),
            file: None,
        }
    }

    fn file(&mut self) -> Result<&mut Grown, Failure> {
        if self.file.is_none() {
            let file = Grown::open(&self.path, &self.path)?;
            file.lock()?;
            self.file = Some(file);
        }
        self.file
            .as_mut()
            .ok_or_else(|| Failure::safety("a file that was opened is gone: report a bug"))
    }
}

impl Target for JsonlTarget {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn standing(&mut self, chain: &Chain) -> Result<Option<Standing>, Failure> {
        let name = self.name();
        let file = self.file()?;
        let Some(head) = read_head(file)? else {
            return Ok(None);
        };
        head.check(chain, &name)?;
        let above = head_line(&head)?;
        file.begin_with(&above)?;
        let above = above.len() as u64;
        let end = file.cut_half_a_line(above)?;
        let newest = match file.line_before(end, above)? {
            None => None,
            Some(line) => {
                let wrong = || file.damaged("its last line is that of no block");
                Some(place(&line.text).ok_or_else(wrong)?)
            }
        };
        Ok(Some(Standing {
            first: head.first,
            newest,
        }))
    }

    fn begin(&mut self, head: &Head) -> Result<(), Failure> {
        self.file()?.begin_with(&head_line(head)?)
    }

    fn put(&mut self, blocks: &[BlockRows]) -> Result<(), Failure> {
        let mut lines = String::new();
        for block in blocks {
            line::json(block, &mut lines);
        }
        self.file()?.append(&lines)
    }
}

/// Height and id of the block of a line.
fn place(line: &str) -> Option<(u64, Hash)> {
    let rest = line.strip_prefix("{\"block\":{\"height\":")?;
    let (height, rest) = rest.split_once(",\"id\":\"")?;
    let (id, _) = rest.split_once('"')?;
    Some((height.parse().ok()?, id.parse().ok()?))
}
