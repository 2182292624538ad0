//! What becomes of a message.

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// Verified and counted.
    Counted,
    /// Taken, but it can change nothing any more; it may be that nobody looked at its signature.
    Unneeded,
    /// The same message has been counted before.
    Duplicate,
    /// Of a height or round that is over.
    Stale,
    /// Further ahead than this node keeps messages for.
    TooEarly,
    /// A compact proposal that names transactions which this node does not hold: it asks for them.
    Incomplete,
    /// The sender is no validator of that height.
    UnknownValidator,
    /// Its fields do not go together.
    Malformed,
    /// The sender has already been caught with two values.
    Equivocation,
    /// It was not this validator's turn to propose.
    WrongProposer,
    /// The signature does not verify.
    BadSignature,
    /// Not looked at: its sender has said too much that was of no use; it may say it again later.
    OverBudget,
}

impl Admission {
    /// Whether an honest peer may have sent it. (The others too, if it passes on what a faulty
    /// validator has told it.)
    pub fn is_honest(self) -> bool {
        matches!(
            self,
            Admission::Counted
                | Admission::Unneeded
                | Admission::Duplicate
                | Admission::Stale
                | Admission::TooEarly
                | Admission::Incomplete
        )
    }
}
