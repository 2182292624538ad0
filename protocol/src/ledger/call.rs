//! `Action::Call`: has an application do what the call says, on a state of its own.
//!
//! The application writes on an overlay of its own, which becomes part of the block's only if the
//! call succeeds. What it cannot say is that a state is unreadable, or that it panicked: then this node
//! does not know what the transaction does, and stops.
use super::execute::Outcome;
use super::overlay::Overlay;
use super::refusal::TransactionError;
use super::state::{KeyHash, ReadError};
use crate::application::limits::CALL_DATA_BYTES_MAX;
use crate::application::{
    Applications, Below, BlockContext, Call, Ending, Installed, Unreadable, is_name,
};
use crate::nouns::block::Block;
use crate::nouns::receipt::Status;
use crate::nouns::transaction::{Action, Transaction};
use crate::types::Hash;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

/// What can be said of a call without any state.
pub(super) fn check(
    applications: &Applications,
    name: &str,
    data: &[u8],
) -> Result<(), TransactionError> {
    let installed = find(applications, name)?;
    if data.len() > CALL_DATA_BYTES_MAX {
        return Err(TransactionError::CallTooLarge(data.len()));
    }
    installed
        .check(data)
        .map_err(|reason| TransactionError::CallRefused {
            application: name.into(),
            reason,
        })
}

fn find<'a>(applications: &'a Applications, name: &str) -> Result<&'a Installed, TransactionError> {
    if !is_name(name) {
        return Err(TransactionError::InvalidApplicationName);
    }
    let unknown = || TransactionError::UnknownApplication(name.into());
    applications.get(name).ok_or_else(unknown)
}

/// Executes a call whose bytes have been checked.
pub(super) fn execute(
    applications: &Applications,
    state: &mut Overlay<'_>,
    place: BlockContext,
    name: &str,
    call: &Call<'_>,
) -> Result<Outcome, ReadError> {
    let installed = find(applications, name);
    let installed = installed.map_err(|why| ReadError::Corrupt(why.to_string()))?;
    let below = OnOverlay {
        state,
        failed: RefCell::new(None),
    };
    let ending = installed.execute(&below, call, &place);
    let failed = below.failed.into_inner();
    let ending = ending.map_err(|panicked| ReadError::Application {
        application: installed.to_string(),
        transaction: call.transaction,
        why: panicked.to_string(),
    })?;
    match ending {
        Ending::Done(written, events) => {
            state.write_application(name, written);
            let status = Status::Success;
            Ok(Outcome { status, events })
        }
        Ending::Failed(code, _forgotten) => {
            planted!(FailedCallWrites => state.write_application(name, _forgotten));
            Ok(Status::Failed { code }.into())
        }
        Ending::Unreadable => Err(failed.unwrap_or_else(|| {
            ReadError::Corrupt(format!("a value of the application {name} cannot be read"))
        })),
    }
}

/// An application reads what the transactions before it have left.
struct OnOverlay<'a, 'b> {
    state: &'a Overlay<'b>,
    failed: RefCell<Option<ReadError>>,
}

impl Below for OnOverlay<'_, '_> {
    fn value(&self, key: &KeyHash) -> Result<Option<Vec<u8>>, Unreadable> {
        self.state.record(key).map_err(|error| {
            self.failed.replace(Some(error));
            Unreadable
        })
    }
}

/// What a block calls: applications with their versions, and the transactions that do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// As sentences name them, each once.
    pub applications: BTreeSet<String>,
    /// The ids of the calls.
    pub transactions: Vec<Hash>,
}

impl Calls {
    pub(super) fn of(applications: &Applications, block: &Block) -> Calls {
        let mut calls = Calls::default();
        let called = |transaction: &Transaction| match &transaction.body.action {
            Action::Call { application, .. } => applications.get(application),
            _ => None,
        };
        for transaction in &block.transactions {
            if let Some(installed) = called(transaction) {
                calls.applications.insert(installed.to_string());
                calls.transactions.push(transaction.id());
            }
        }
        calls
    }

    /// Whether it calls nothing.
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }
}

/// The applications.
impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<&str> = self.applications.iter().map(String::as_str).collect();
        f.write_str(&all.join("; "))
    }
}
