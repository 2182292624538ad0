//! Values that a setting and a flag read alike.
use lockstep_devnet::Durability;
use lockstep_protocol::ledger::Retention;

/// `--retain-blocks`
pub(crate) fn retention(text: &str) -> Result<Retention, String> {
    let blocks = text
        .parse()
        .map_err(|_| format!("expected a number of blocks, or 0 to keep all, got {text:?}"))?;
    Retention::of_blocks(blocks).map_err(|error| error.to_string())
}

/// `--durability`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DurabilityArgument {
    /// Survives the end of the process (kill -9), not a power cut
    Process,
    /// Survives a power cut: the disk is synced before anything is sent
    Power,
}

impl DurabilityArgument {
    /// By its name.
    pub(crate) fn parse(text: &str) -> Result<DurabilityArgument, String> {
        let all = [DurabilityArgument::Process, DurabilityArgument::Power];
        let found = all.into_iter().find(|it| it.name() == text);
        found.ok_or_else(|| format!("expected one of process, power; got {text:?}"))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            DurabilityArgument::Process => "process",
            DurabilityArgument::Power => "power",
        }
    }

    pub(crate) fn in_words(self) -> &'static str {
        match self {
            DurabilityArgument::Process => "survives kill -9, but not a power cut",
            DurabilityArgument::Power => "survives a power cut: every write is synced",
        }
    }
}

impl From<DurabilityArgument> for Durability {
    fn from(argument: DurabilityArgument) -> Durability {
        match argument {
            DurabilityArgument::Process => Durability::Process,
            DurabilityArgument::Power => Durability::Power,
        }
    }
}
